import type { TRPCError } from '@trpc/server'
import { type Clock, elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../../backend/backend.ts'
import { toEntriesBackend } from '../../backend/entries-backend.ts'
import { memoryBackend } from '../../backend/memory.ts'
import { type ChannelsBase, internalsOf } from '../../channels.ts'
import { detached } from '../../user-code/async-context.ts'
import { OverLimitError } from '../connection/refusals.ts'
import { toHex } from '../request/hex.ts'
import { sha256 } from '../request/sha256.ts'
import { backendIsAway } from './away.ts'
import { RateKey, type RateKeyOptions } from './rate-key.ts'

/** Options of {@link createRateLimiter}. */
export interface RateLimiterOptions {
  /** The channels whose backend counts. */
  readonly channels: ChannelsBase
  /** The name of the limit. Limiters of the same name share their counts. */
  readonly name: string
  /** How often a key may do something in any minute: a whole number from 1 to 10_000. */
  readonly perMinute: number
  /**
   * Whether all processes that share the backend count together (`'fleet'`), or each on its own.
   *
   * @default 'fleet'
   */
  readonly scope?: 'process' | 'fleet'
}

/** Limits how often each key does something. */
export interface RateLimiter {
  /**
   * Counts something that a key is about to do, such as publishing `count` events (default 1).
   * Rejects with TOO_MANY_REQUESTS, and counts nothing, if that is too often. Rejects with
   * `INVALID_OPTION` for a key that isn't a string, and for a count that isn't a whole number of 1
   * or more.
   *
   * While the backend is away, each process counts on its own. `onError` of the channels is then
   * called once, with the stage `limits`.
   */
  take(key: string, count?: number): Promise<void>
}

/** Keys are stored as they are up to this length, and as a digest beyond it. */
const maxKeyLength = 200
/** The time between two attempts to reach a backend that is away, in milliseconds. */
const retryMs = 2_000

/**
 * Creates a limiter to use in procedures. A call costs at most one command of the backend, and calls
 * for the same key at the same time share one.
 *
 * @throws `INVALID_OPTION` for channels that `createChannels` hasn't created, for a backend without
 *   entries, and for a `perMinute` that isn't a whole number from 1 to 10_000.
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { channels, name, perMinute, scope = 'fleet' } = options
  const isRate = Number.isSafeInteger(perMinute) && perMinute >= 1 && perMinute <= 10_000
  if (!isRate) throw invalid(`perMinute is ${perMinute}. Give a whole number from 1 to 10_000.`)
  const internals = internalsOf(channels)
  if (!internals) throw invalid('`channels` isn’t a result of createChannels. Pass one.')
  const { clock, report } = internals
  const rates = (backend: Backend): Rates =>
    new Rates(name, { backend: toEntriesBackend(backend), clock, perMinute })
  const here = rates(memoryBackend({ clock }))
  const count =
    scope === 'process'
      ? here
      : new FleetRates(here, rates(internals.backend), {
          clock,
          onAway: (error) => report(backendIsAway(error), 'limits', rateLog(name, '')),
        })
  return {
    async take(key, times = 1) {
      if (typeof key !== 'string')
        throw invalid(`take() got a key of type ${typeof key}. Give a string.`)
      if (!(Number.isSafeInteger(times) && times >= 1))
        throw invalid(`take() got ${times}. Give a whole number, 1 or more.`)
      if (!(await detached(() => count.take(key, times)))) throw tooOften(name, perMinute)
    },
  }
}

/** The rates of all keys, as one backend counts them. */
class Rates {
  readonly #name: string
  readonly #options: RateKeyOptions
  readonly #keys = new Map<string, RateKey>()
  readonly #process = toHex(crypto.getRandomValues(new Uint8Array(8)))
  #marks = 0

  constructor(name: string, options: Omit<RateKeyOptions, 'nextMark'>) {
    this.#name = name
    this.#options = { ...options, nextMark: () => `${this.#process}:${++this.#marks}` }
  }

  async take(name: string, count: number): Promise<boolean> {
    const key = name.length > maxKeyLength ? `digest ${await sha256(name)}` : `key ${name}`
    return await this.#keyOf(key).take(count)
  }

  #keyOf(name: string): RateKey {
    const known = this.#keys.get(name)
    if (known) return known
    const log = rateLog(this.#name, name)
    const key = new RateKey(log, this.#options, () => this.#keys.delete(name))
    this.#keys.set(name, key)
    return key
  }
}

/** The parts of {@link FleetRates}. */
interface FleetRatesOptions {
  readonly clock: Clock
  /** Called once in each outage. */
  onAway(error: unknown): void
}

/** The rates of a fleet, and those of this process for outages. */
class FleetRates {
  readonly #here: Rates
  readonly #fleet: Rates
  readonly #options: FleetRatesOptions
  readonly #elapsedMs: () => number
  #isAway = false
  #retryAtMs = 0

  constructor(here: Rates, fleet: Rates, options: FleetRatesOptions) {
    this.#here = here
    this.#fleet = fleet
    this.#options = options
    this.#elapsedMs = elapsedTime(options.clock)
  }

  async take(key: string, count: number): Promise<boolean> {
    const asking = this.#ask(key, count)
    // Nobody waits for a backend that is known to be away.
    const answer = this.#isAway ? undefined : await asking
    if (answer === false) return false
    const hasRoomHere = await this.#here.take(key, count)
    return answer ?? hasRoomHere
  }

  /** Asks the backend. Resolves to `undefined` if it is away. Never rejects. */
  async #ask(key: string, count: number): Promise<boolean | undefined> {
    if (this.#isAway && this.#elapsedMs() < this.#retryAtMs) return undefined
    this.#retryAtMs = this.#elapsedMs() + retryMs
    try {
      const hasRoom = await this.#fleet.take(key, count)
      this.#isAway = false
      return hasRoom
    } catch (error) {
      if (!this.#isAway) this.#options.onAway(error)
      this.#isAway = true
      this.#retryAtMs = this.#elapsedMs() + retryMs
      return undefined
    }
  }
}

/** Returns the log of a key. It is never a channel's log: their names can't start with `~`. */
function rateLog(name: string, key: string): ChannelLog {
  return {
    key: JSON.stringify(['~rate', name, key]),
    retain: { events: 1, forMs: 60_000 },
    entries: { checkMs: 60_000 },
  }
}

function tooOften(name: string, perMinute: number): TRPCError {
  const message = `The limit of ${perMinute} per minute for one key (${name}) is reached. Try again later.`
  return new OverLimitError(name, { code: 'TOO_MANY_REQUESTS', message })
}

function invalid(message: string): RealtimeError {
  return new RealtimeError('INVALID_OPTION', `createRateLimiter(): ${message}`)
}
