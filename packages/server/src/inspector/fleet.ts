import { type Clock, elapsedTime, isPlainObject, wait } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import { RetryLoop } from '../hub/retry-loop.ts'
import { tryTo } from '../link/fleet-answers.ts'
import { Relay } from '../link/multiplexed/relay.ts'
import { toHex } from '../link/request/hex.ts'
import { detached } from '../user-code/async-context.ts'
import { short } from './bounds.ts'
import { toFailure } from './failure.ts'
import type { Failure, InstanceRow, Query, Summary } from './messages.ts'
import { parseQuery } from './query.ts'

/** What a fleet asks of its own instance. */
export interface FleetMember {
  readonly name: string
  answer(query: Query): Promise<unknown>
  summary(askSelf: (() => Promise<unknown>) | undefined): Promise<Summary>
}

/** What an instance tells about itself. */
type Introduction = Omit<InstanceRow, 'isThis' | 'silentMs'>

/** The log on which instances are called. Nothing is stored in it. */
const calls: ChannelLog = {
  key: JSON.stringify(['~inspectors']),
  retain: { events: 1, forMs: 10_000 },
}
/** The longest wait for the instances that answered the last call, in milliseconds. */
const callMs = 1_000
/** The time for which an instance that doesn't answer is listed, in milliseconds. */
const rememberMs = 60_000
/** The maximum number of instances. */
const maxInstances = 200

/**
 * All instances of an app that have an inspector. A page's requests may reach any of them, so each
 * one can ask the others, with notices of the shared backend. Nothing is stored, and nothing is sent
 * unless somebody asks.
 */
export class InspectedFleet {
  readonly id: string = `inspector-${toHex(crypto.getRandomValues(new Uint8Array(6)))}`
  readonly #member: FleetMember
  readonly #clock: Clock
  readonly #elapsedMs: () => number
  readonly #startedAt: number
  readonly #relay: Relay | undefined
  readonly #backend: Backend | undefined
  /** The instances by id, with the time of their last answer. */
  readonly #known = new Map<string, { readonly row: Introduction; atMs: number }>()
  #onIntroduction = (): void => {}

  constructor(member: FleetMember, backend: Backend | undefined, clock: Clock) {
    this.#member = member
    this.#clock = clock
    this.#backend = backend
    this.#elapsedMs = elapsedTime(clock)
    this.#startedAt = clock.now()
    if (!canNotify(backend)) return
    // The backend outlives a link, and must not keep it alive.
    const self = new WeakRef(this)
    this.#relay = new Relay({
      backend,
      instance: this.id,
      clock,
      answer: async (question) => await self.deref()?.answerOther(question),
    })
    this.#listen(backend, self)
  }

  /** Asks an instance. Without an answer in time, the result is a failure. */
  async ask(instance: string, query: Query): Promise<unknown> {
    if (instance === '' || instance === this.id || !this.#relay)
      return await this.#member.answer(query)
    const answer = await this.#relay.ask(instance, { query })
    if (answer !== undefined) return answer
    const message = 'The instance did not answer within 1.5 seconds.'
    return { error: { code: 'BACKEND_UNAVAILABLE', message } } satisfies Failure
  }

  /** Lists all instances: those that answer now, and those that did a short time ago. */
  async instances(): Promise<readonly InstanceRow[]> {
    const startedAtMs = this.#elapsedMs()
    const own = this.#introduce()
    if (this.#relay) await this.#call(startedAtMs)
    this.#forget()
    const others = Array.from(this.#known.values(), ({ row, atMs }) => ({
      ...row,
      isThis: false,
      silentMs: atMs >= startedAtMs ? 0 : this.#elapsedMs() - atMs,
    }))
    const all = [{ ...(await own), isThis: true, silentMs: 0 }, ...others]
    return all.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Calls all instances, and waits for those that are known, or for the whole time. */
  async #call(startedAtMs: number): Promise<void> {
    const isExpected = ({ atMs }: { atMs: number }): boolean => startedAtMs - atMs < rememberMs / 4
    const expected = [...this.#known.values()].filter(isExpected)
    const done = new AbortController()
    this.#onIntroduction = () => {
      const has = expected.every((known) => known.atMs >= startedAtMs)
      if (expected.length > 0 && has) done.abort()
    }
    await this.#relay?.listen()
    const text = JSON.stringify({ from: this.id })
    await this.#backend?.notify?.(calls, text).catch(() => false)
    await wait(this.#clock, callMs, done.signal)
  }

  #listen(backend: NotifyingBackend, self: WeakRef<InspectedFleet>): void {
    const listening = new RetryLoop({
      clock: this.#clock,
      run: async () => {
        await backend.listen(calls, {
          onEvent() {},
          onInterrupted() {},
          onNotice: (text) => void self.deref()?.onCall(text),
        })
      },
      // A closed backend refuses for ever.
      onError: (error) => void (isClosed(error) && listening.stop()),
      onIdle() {},
    })
    listening.request()
    void this.#relay?.listen()
  }

  /** Takes a call of another instance, and answers it. */
  async onCall(text: string): Promise<void> {
    const call = tryTo(() => JSON.parse(text) as unknown)
    if (!isPlainObject(call) || typeof call.from !== 'string' || call.from === this.id) return
    const { from } = call
    const introduction = await detached(() => this.#introduce())
    await this.#relay?.ask(from, { introduction })
  }

  async #introduce(): Promise<Introduction> {
    const relay = this.#relay
    const askSelf = relay && (() => relay.ask(this.id, { ping: true }))
    const summary = await this.#member.summary(askSelf)
    return { id: this.id, name: short(this.#member.name), startedAt: this.#startedAt, summary }
  }

  /** Answers another instance. Its users have passed the check of `allow` there. */
  async answerOther(question: unknown): Promise<unknown> {
    if (!isPlainObject(question)) return undefined
    const { query, introduction } = question
    if (introduction !== undefined) this.#remember(introduction)
    if (query === undefined) return { ok: true }
    try {
      return await this.#member.answer(parseQuery(query))
    } catch (error) {
      return toFailure(error)
    }
  }

  #remember(value: unknown): void {
    if (!isIntroduction(value)) return
    if (this.#known.size >= maxInstances && !this.#known.has(value.id)) return
    this.#known.set(value.id, { row: value, atMs: this.#elapsedMs() })
    this.#onIntroduction()
  }

  #forget(): void {
    const nowMs = this.#elapsedMs()
    for (const [id, { atMs }] of this.#known) if (nowMs - atMs > rememberMs) this.#known.delete(id)
  }
}

type NotifyingBackend = Pick<Backend, 'listen'> & Required<Pick<Backend, 'notify'>>

function canNotify(backend: Backend | undefined): backend is Backend & NotifyingBackend {
  return backend?.notify !== undefined
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'CLOSED'
}

function isIntroduction(value: unknown): value is Introduction {
  if (!isPlainObject(value)) return false
  const { id, name, startedAt, summary } = value
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    typeof startedAt === 'number' &&
    isPlainObject(summary)
  )
}
