import type { Clock } from '@trpc-sse/protocol'
import { detached } from '../async-context.ts'
import type { Backend, ChannelLog } from '../backend.ts'

/** Asks other instances of the server, through the backend that they share. */
export interface Relay {
  /** Makes this instance hear what others ask. */
  listen(): Promise<void>
  /** Asks an instance; `undefined` if it doesn't answer in time, or can't be reached. */
  ask(instance: string, question: unknown): Promise<unknown>
}

/** What a relay is made of. */
export interface RelayOptions {
  readonly backend: Backend
  /** Names this instance. */
  readonly instance: string
  readonly clock: Clock
  /** Answers what another instance asks. Doesn't reject. */
  answer(question: unknown): Promise<unknown>
}

/** One message of a log. */
interface Message {
  /** Whom it is for. */
  readonly to: string
  readonly id: string
  /** Who asks; absent in an answer. */
  readonly from?: string
  readonly body: unknown
}

/** How long an answer is waited for: a client that gets none opens a new stream, which is always right. */
const answerMs = 1_500

/** Creates a relay. Instances listen to logs in the backend, like a channel's; only their notifications are used. */
export function createRelay({ backend, instance, clock, answer }: RelayOptions): Relay {
  const pending = new Map<string, (body: unknown) => void>()
  let listening: Promise<unknown> | undefined
  let asked = 0

  function receive(text: string): void {
    const message = JSON.parse(text) as Message
    if (message.to !== instance) return
    if (message.from === undefined) pending.get(message.id)?.(message.body)
    else void reply(message, message.from)
  }

  async function reply({ id, body }: Message, to: string): Promise<void> {
    await send({ to, id, body: await answer(body) })
  }

  async function send(message: Message): Promise<void> {
    try {
      await backend.append(logOf(message.to), [JSON.stringify(message)])
    } catch {
      // Whatever a backend rejects with: who asked waits no longer than for any answer.
    }
  }

  async function listen(): Promise<void> {
    listening ??= detached(() =>
      backend.listen(logOf(instance), {
        onEvent: ({ data }) => detached(() => receive(data)),
        onInterrupted: () => {},
      }),
    )
    try {
      await listening
    } catch {
      // Tried again with the next stream or question.
      listening = undefined
    }
  }

  return {
    listen,
    async ask(to, body) {
      await listen()
      const id = `${instance}:${++asked}`
      const answered = new Promise<unknown>((resolve) => {
        const cancel = clock.after(answerMs, () => resolve(undefined))
        pending.set(id, (given) => {
          cancel()
          resolve(given)
        })
      })
      await send({ to, id, from: instance, body })
      return await answered.finally(() => pending.delete(id))
    },
  }
}

/**
 * The log that an instance listens to, with others whose names begin alike. Not one for each: what is left of a log stays
 * for weeks, instances come and go, and clients may ask for any that they make up. (Channel names can't start with `~`:
 * nobody publishes here but relays.)
 */
function logOf(instance: string): ChannelLog {
  return { key: JSON.stringify(['~control', instance.slice(0, 2)]), retain: { events: 1, forMs: 10_000 } }
}
