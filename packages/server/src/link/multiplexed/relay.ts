import type { Clock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../../backend/backend.ts'
import { detached } from '../../user-code/async-context.ts'

/** Options of a {@link Relay}. */
export interface RelayOptions {
  /** A backend that relays notices: without, no other instance can be asked. */
  readonly backend: Pick<Backend, 'listen'> & Required<Pick<Backend, 'notify'>>
  /** Names this instance. */
  readonly instance: string
  readonly clock: Clock
  /** Answers a question of another instance. */
  answer(question: unknown): Promise<unknown>
}

/** One message between two instances. */
interface Message {
  readonly id: string
  /** The instance that asks; absent in an answer. */
  readonly from?: string
  readonly body: unknown
}

/**
 * How long a question waits for its answer, in milliseconds. A client that gets none reopens, which
 * is always right.
 */
const answerMs = 1_500

/** How long an instance that doesn't answer is not asked again, in milliseconds. */
const absentMs = 5_000

/** How many questions may be under way at a time, and how many absent instances are remembered. */
const maxQuestions = 256

/**
 * Asks other instances of the server through their common backend, by notices that are not stored.
 */
export class Relay {
  readonly #options: RelayOptions
  /** The questions that wait for an answer, by id. */
  readonly #pending = new Map<string, (answer: unknown) => void>()
  /** Instances that did not answer, each with what stops the timer that forgets it. */
  readonly #absent = new Map<string, () => void>()
  #listening: Promise<unknown> | undefined
  #questions = 0

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** Makes this instance hear questions and answers. Never rejects. */
  async listen(): Promise<void> {
    this.#listening ??= detached(() => this.#listen())
    try {
      await this.#listening
    } catch {
      // The next stream or question tries again.
      this.#listening = undefined
    }
  }

  /**
   * Asks an instance; `undefined` if there is none, if it doesn't answer in time, or can't be
   * reached.
   */
  async ask(instance: string, question: unknown): Promise<unknown> {
    // Clients may make up instances: none is asked too often, and not too many at a time.
    if (this.#absent.has(instance) || this.#pending.size >= maxQuestions) return undefined
    await this.listen()
    const id = `${this.#options.instance}:${++this.#questions}`
    return await this.#send(instance, { id, from: this.#options.instance, body: question })
  }

  #listen(): Promise<unknown> {
    const { backend, instance } = this.#options
    return backend.listen(logOf(instance), {
      onEvent() {},
      onInterrupted() {},
      // What starts here must not run in the async context of the request that was asked about.
      onNotice: (text) => detached(() => this.#receive(text)),
    })
  }

  #receive(text: string): void {
    const message = parseMessage(text)
    if (message === undefined) return
    if (message.from === undefined) this.#pending.get(message.id)?.(message.body)
    else void this.#reply(message, message.from)
  }

  async #reply({ id, body }: Message, to: string): Promise<void> {
    // A question that can't be answered gets no answer: the other instance waits no longer than
    // usual.
    const answer = await this.#options.answer(body).catch(() => undefined)
    if (answer !== undefined) await this.#notify(to, { id, body: answer })
  }

  #send(to: string, message: Message): Promise<unknown> {
    return new Promise((resolve) => {
      const settle = (answer: unknown): void => {
        stopTimer()
        this.#pending.delete(message.id)
        if (answer === undefined) this.#rememberAbsent(to)
        resolve(answer)
      }
      const stopTimer = this.#options.clock.after(answerMs, () => settle(undefined))
      this.#pending.set(message.id, settle)
      void this.#notify(to, message).then((mayBeHeard) => mayBeHeard || settle(undefined))
    })
  }

  /** Resolves to whether any instance may have heard it. */
  async #notify(to: string, message: Message): Promise<boolean> {
    try {
      return await this.#options.backend.notify(logOf(to), JSON.stringify(message))
    } catch {
      return false
    }
  }

  #rememberAbsent(instance: string): void {
    if (this.#absent.size >= maxQuestions) return
    this.#absent.get(instance)?.()
    const forget = (): void => void this.#absent.delete(instance)
    this.#absent.set(instance, this.#options.clock.after(absentMs, forget))
  }
}

function parseMessage(text: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(text)
    return isMessage(message) ? message : undefined
  } catch {
    // Something else writes there, too.
    return undefined
  }
}

function isMessage(value: unknown): value is Message {
  const { id, from }: Partial<Record<keyof Message, unknown>> = Object(value)
  return typeof id === 'string' && (from === undefined || typeof from === 'string')
}

/**
 * The log that an instance listens to. Nothing is stored there, and channel names can't start with
 * `~`.
 */
function logOf(instance: string): ChannelLog {
  return { key: JSON.stringify(['~control', instance]), retain: { events: 1, forMs: 10_000 } }
}
