import type { Clock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../../backend/backend.ts'
import { detached } from '../../user-code/async-context.ts'

/** Asks other instances of the server, through the backend that they share. */
export interface Relay {
  /** Makes this instance hear what others ask. */
  listen(): Promise<void>
  /** Asks an instance; `undefined` if there is none, if it doesn't answer in time, or can't be reached. */
  ask(instance: string, question: unknown): Promise<unknown>
}

/** What a relay is made of. */
export interface RelayOptions {
  /** One that hands on notices: without that, no other instance can be asked. */
  readonly backend: Pick<Backend, 'listen'> & Required<Pick<Backend, 'notify'>>
  /** Names this instance. */
  readonly instance: string
  readonly clock: Clock
  /** Answers what another instance asks. */
  answer(question: unknown): Promise<unknown>
}

/** One message between two instances. */
interface Message {
  readonly id: string
  /** Who asks; absent in an answer. */
  readonly from?: string
  readonly body: unknown
}

/** How long an answer is waited for: a client that gets none opens a new stream, which is always right. */
const answerMs = 1_500

/** How long an instance that isn't there, or doesn't answer, is not asked again. */
const absentMs = 5_000

/** Questions that are under way at a time, and absent instances that are remembered. */
const mostQuestions = 256

/** Creates a relay. Each instance listens for notices, of which nothing is stored. */
export function createRelay({ backend, instance, clock, answer }: RelayOptions): Relay {
  const pending = new Map<string, (body: unknown) => void>()
  const absent = new Map<string, () => void>()
  let listening: Promise<unknown> | undefined
  let asked = 0

  function receive(text: string): void {
    const message = parseMessage(text)
    if (message === undefined) return
    if (message.from === undefined) pending.get(message.id)?.(message.body)
    else void reply(message, message.from)
  }

  async function reply({ id, body }: Message, to: string): Promise<void> {
    // What can't be answered, whatever was asked, is not: who asks waits no longer than for any answer.
    const given = await answer(body).catch(() => undefined)
    if (given !== undefined) await send(to, { id, body: given })
  }

  /** Resolves to whether anybody may have heard it. */
  async function send(to: string, message: Message): Promise<boolean> {
    try {
      return await backend.notify(logOf(to), JSON.stringify(message))
    } catch {
      return false
    }
  }

  async function listen(): Promise<void> {
    listening ??= detached(() =>
      backend.listen(logOf(instance), {
        onEvent() {},
        onInterrupted() {},
        // Whoever asks, in this process or another, what starts here is not theirs.
        onNotice: (text) => detached(() => receive(text)),
      }),
    )
    try {
      await listening
    } catch {
      // Tried again with the next stream or question.
      listening = undefined
    }
  }

  function remember(to: string): void {
    if (absent.size >= mostQuestions) return
    absent.get(to)?.()
    absent.set(
      to,
      clock.after(absentMs, () => absent.delete(to)),
    )
  }

  async function question(to: string, body: unknown): Promise<unknown> {
    await listen()
    const id = `${instance}:${++asked}`
    return await new Promise((resolve) => {
      const cancel = clock.after(answerMs, () => settle(undefined))
      function settle(given: unknown): void {
        cancel()
        pending.delete(id)
        if (given === undefined) remember(to)
        resolve(given)
      }
      pending.set(id, settle)
      void send(to, { id, from: instance, body }).then((wasHeard) => wasHeard || settle(undefined))
    })
  }

  return {
    listen,
    async ask(to, body) {
      // A client may make up any: none is asked for too often, and not too many at a time.
      if (absent.has(to) || pending.size >= mostQuestions) return undefined
      return await question(to, body)
    },
  }
}

function parseMessage(text: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(text)
    return isMessage(message) ? message : undefined
  } catch {
    // Somebody else's.
    return undefined
  }
}

function isMessage(value: unknown): value is Message {
  const { id, from }: Partial<Record<keyof Message, unknown>> = Object(value)
  return typeof id === 'string' && (from === undefined || typeof from === 'string')
}

/** What an instance listens to. Nothing is stored there, and channel names can't start with `~`. */
function logOf(instance: string): ChannelLog {
  return { key: JSON.stringify(['~control', instance]), retain: { events: 1, forMs: 10_000 } }
}
