// A process that produces runs on the Redis at REDIS_URL, on request. It sends back each result.
import { setTimeout } from 'node:timers/promises'
import { createApp, type Kind } from './app.ts'

/** A run to produce. */
export interface ProduceCommand {
  readonly id: string
  /** @default 'answer' */
  readonly kind?: Kind
  readonly words: number
  /** The wait before each word, in milliseconds. */
  readonly everyMs: number
  /**
   * The signal that the process sends itself, and the number of the word that the signal replaces.
   */
  readonly fault?: { readonly signal: 'SIGKILL' | 'SIGSTOP'; readonly word: number }
}

/** The result of a run, as the process sends it. */
export interface Produced {
  readonly id: string
  readonly status: string
  /** The number of words that the source has yielded. */
  readonly yielded: number
}

const { channels } = createApp(process.env.REDIS_URL)

async function produce(command: ProduceCommand): Promise<void> {
  const { id, kind = 'answer', words, everyMs, fault } = command
  let yielded = 0
  const { status } = await channels[kind]({ id }).produce(async function* ({ resumeFrom }) {
    for (let word = resumeFrom?.deltas ?? 0; word < words; word++) {
      await setTimeout(everyMs)
      if (word === fault?.word) process.kill(process.pid, fault.signal)
      yield `${id}.${word} `
      yielded += 1
    }
  })
  process.send?.({ id, status, yielded } satisfies Produced)
}

process.on('message', (command: ProduceCommand) => void produce(command))
process.send?.({ port: 0 })
// The test that started this process has ended.
process.on('disconnect', () => process.exit())
