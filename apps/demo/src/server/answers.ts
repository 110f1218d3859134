import { createChannels } from '@trpc-sse/server'
import superjson from 'superjson'
import { z } from 'zod'
import { answerRun, backend, channels } from './channels.ts'
import { cuttable } from './cuttable.ts'
import { pause } from './repeat.ts'
import { procedure, router } from './trpc.ts'

const answer = z.object({ answerId: z.uuid() })
const wordMs = 90
const text = `A run is a stream that ends. This answer has one producer, which writes to a log and \
not to your browser. So the browser may go: reload this page now, and the text continues where it \
was. Open the second tab, and it shows the same words at the same time. Either of them can stop the \
answer, wherever the producer is. The producer also holds a lease, which it renews. Kill it, and \
within three seconds every tab knows that no more words will come. Nothing stays on "streaming" \
for ever. If you let it finish, the last word and the end are stored in one step, and the \
subscription completes.`

export const answersRouter = router({
  /** Starts an answer. The page chooses its id, so a request that is sent twice starts only one. */
  ask: procedure.input(answer).mutation(({ input }) => {
    produce(input.answerId).catch((error: unknown) => console.error('An answer failed', error))
  }),

  /** The text so far, then each part that follows. Completes when the answer ends. */
  onAnswer: procedure
    .input(answer)
    .subscription((opts) => channels.answers(opts.input).follow(opts)),

  /** Stops an answer, whichever instance writes it. What was written stays. */
  stop: procedure.input(answer).mutation(({ input }) => channels.answers(input).stop()),

  /** Kills the producer of an answer, whichever instance it runs on. */
  kill: procedure.input(answer).mutation(async ({ input }) => {
    await channels.faults().publish(input)
  }),
})

interface Producer {
  kill(): void
  close(): Promise<void>
}

/** The producers of this process, by the ids of their answers. */
const producers = new Map<string, Producer>()

async function produce(answerId: string): Promise<void> {
  // A line of its own, so that this producer can die without the rest of the process.
  const line = cuttable(backend)
  const own = createChannels({
    backend: line.backend,
    transformer: superjson,
    channels: { answers: answerRun },
  })
  producers.set(answerId, { kill: line.cut, close: own.close })
  try {
    await own.answers({ answerId }).produce(({ signal }) => write(signal))
  } finally {
    producers.delete(answerId)
    await own.close()
  }
}

async function* write(signal: AbortSignal) {
  for (const word of text.split(/(?<= )/)) {
    await pause(wordMs, signal)
    yield { text: word }
  }
}

/** Kills producers on request of visitors, until the signal aborts. */
export async function killOnDemand(signal: AbortSignal): Promise<void> {
  for await (const [, { answerId }] of channels.faults().subscribe({ signal }))
    producers.get(answerId)?.kill()
}

/** Abandons the answers of this process, which is about to exit. */
export async function abandonAnswers(): Promise<void> {
  await Promise.all([...producers.values()].map((producer) => producer.close()))
}
