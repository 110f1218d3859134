import type { Clock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../../backend/backend.ts'
import { detached } from '../../user-code/async-context.ts'

/** Options of a {@link Relay}. */
export interface RelayOptions {
  /** A backend that relays notices, which is the only way to ask other instances. */
  readonly backend: Pick<Backend, 'listen'> & Required<Pick<Backend, 'notify'>>
  /** The name of this instance. */
  readonly instance: string
  readonly clock: Clock
  /** Answers a question from another instance. */
  answer(question: unknown): Promise<unknown>
}

/** One message between two instances. */
interface Message {
  readonly id: string
  /** The asking instance; absent in an answer. */
  readonly from?: string
  readonly body: unknown
}

/**
 * The time that a question waits for its answer, in milliseconds. A client without an answer opens
 * a new stream, which is always correct.
 */
const answerMs = 1_500

/** The time for which an instance that didn't answer isn't asked again, in milliseconds. */
const absentMs = 5_000

/** The maximum number of pending questions, and of absent instances that are remembered. */
const maxQuestions = 256

/**
 * Asks other instances of the server through the shared backend, with notices that are not stored.
 */
export class Relay {
  readonly #options: RelayOptions
  /** The callbacks of questions that wait for an answer, by id. */
  readonly #pending = new Map<string, (answer: unknown) => void>()
  /** Instances that did not answer. Each value stops the timer that removes the instance. */
  readonly #absent = new Map<string, () => void>()
  #listening: Promise<unknown> | undefined
  #questions = 0

  constructor(options: RelayOptions) {
    this.#options = options
  }

  /** Starts listening for questions and answers to this instance. Never rejects. */
  async listen(): Promise<void> {
    this.#listening ??= detached(() => this.#listen())
    try {
      await this.#listening
    } catch {
      // The next stream or question will retry.
      this.#listening = undefined
    }
  }

  /**
   * Asks an instance. Resolves to `undefined` if there is no such instance, or it can't be reached,
   * or doesn't answer in time.
   */
  async ask(instance: string, question: unknown): Promise<unknown> {
    // Clients may make up instances, so limit the questions to each instance and the pending
    // questions.
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
      // Detached, so that subscriptions don't start in the async context of an unrelated request.
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
    // An invalid question gets no answer: the other instance then waits until its timeout.
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

  /** Resolves to whether any instance may have received the message. */
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
    // Another program has written this text.
    return undefined
  }
}

function isMessage(value: unknown): value is Message {
  const { id, from }: Partial<Record<keyof Message, unknown>> = Object(value)
  return typeof id === 'string' && (from === undefined || typeof from === 'string')
}

/**
 * Returns the log that an instance listens to. Nothing is stored in it. It is never a channel's
 * log, as channel names can't start with `~`.
 */
function logOf(instance: string): ChannelLog {
  return { key: JSON.stringify(['~control', instance]), retain: { events: 1, forMs: 10_000 } }
}
