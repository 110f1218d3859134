import type {
  ChangeResult,
  ChannelLog,
  Clock,
  EntriesPage,
  EntriesRange,
  EventId,
  LogChange,
  LogPage,
  ReadRange,
} from '@trpc-sse/server'
import type { Cluster, Redis } from 'ioredis'
import { createCork } from '../connection/cork.ts'
import type { PubSub } from '../connection/readiness.ts'
import { notifyRefused, replyCode } from '../errors.ts'
import { type LogKeys, logKeys } from '../keys.ts'
import { noticePrefix } from '../messages.ts'
import type { AppendGroup, AppendGroups, GroupResult } from './append-groups.ts'
import type { Command } from './retries.ts'
import { appendScript, parseAppendReply } from './scripts/append.ts'
import { changeArguments, changeScript, parseChangeReply } from './scripts/change.ts'
import { clearScript } from './scripts/clear.ts'
import { entriesScript, parseEntries } from './scripts/entries.ts'
import { parsePage, readScript, readWithEntriesScript } from './scripts/read.ts'
import { emptyLogMs, type Script, wholeNumber } from './scripts/script.ts'

/** Options of {@link Commands}. */
export interface CommandsOptions {
  readonly client: Redis | Cluster
  readonly clock: Clock
  readonly prefix: string
  readonly db: number
  /** The timeout of a call, in milliseconds. */
  readonly timeoutMs: number
  /** The kind of pub/sub that notifies listeners. Known once commands can be sent. */
  pubSub(): PubSub
  /** Called with errors that don't make a publish fail. */
  onError(error: unknown): void
}

const defaultIdempotencyMs = 300_000
/** The time for which a last id outlives its events, in milliseconds: 30 days. */
const lastIdMs = 30 * 86_400_000
const publishCommands: Readonly<Record<PubSub, string>> = {
  classic: 'PUBLISH',
  sharded: 'SPUBLISH',
}

/** The operations on logs. Each runs one script, or one PUBLISH. */
export class Commands {
  readonly #options: CommandsOptions
  readonly #cork: () => void
  /**
   * The prefix of this process's tokens. With its token, a retry finds the events that its call
   * stored.
   */
  readonly #tokenPrefix: string
  #calls = 0

  constructor(options: CommandsOptions) {
    this.#options = options
    this.#cork = createCork(options.client)
    this.#tokenPrefix = randomDigits(options.clock)
  }

  /** Stores groups of appends to one log, in order and atomically. */
  append(groups: AppendGroups): Command<readonly GroupResult[]> {
    const { log } = groups[0][0]
    const { prefix, db, onError } = this.#options
    const names = logKeys(prefix, db, log.key)
    const keys = [names.log, names.last]
    const tokens = groups.map(() => this.#nextToken())
    const stored = groups.flatMap((group, i) => {
      const { idempotencyKey } = group[0].options
      const keyIndex =
        idempotencyKey === undefined ? 0 : keys.push(names.idempotency(idempotencyKey))
      return groupArguments(group, keyIndex, tokens[i] ?? '')
    })
    const fixed = [...this.#logArguments(log), names.live]
    return async (doubtMs) => {
      const args = fixed.concat(this.#publishCommand(), wholeNumber(doubtMs), stored)
      const reply = parseAppendReply(await this.#run(appendScript, keys, args), groups, tokens)
      if (reply.notifyError !== '') onError(notifyRefused(reply.notifyError))
      return reply.groups
    }
  }

  /** Reads a page of a log. */
  read(log: ChannelLog, range: ReadRange): Command<LogPage> {
    const names = logKeys(this.#options.prefix, this.#options.db, log.key)
    const [newest, after] = 'after' in range ? [-1, streamPosition(range.after)] : [range.last, '-']
    const bounds = [range.limit, range.maxBytes ?? Number.MAX_SAFE_INTEGER].map(wholeNumber)
    const fixed = [...this.#logArguments(log), emptyLogMs]
    const args = [...fixed, wholeNumber(newest), after, ...bounds]
    if (log.entries) return this.#readWithEntries(names, args, range)
    const keys = [names.log, names.last]
    return async () => parsePage(await this.#run(readScript, keys, args, 'callBuffer'), range)
  }

  #readWithEntries(names: LogKeys, args: readonly string[], range: ReadRange): Command<LogPage> {
    const keys = keysWithEntries(names)
    const token = this.#nextToken()
    return async () => {
      const all = [...args, names.live, this.#publishCommand(), token]
      return parsePage(await this.#run(readWithEntriesScript, keys, all, 'callBuffer'), range)
    }
  }

  /** Changes the entries of a log, and stores events. */
  change(log: ChannelLog, change: LogChange): Command<ChangeResult> {
    const { prefix, db, timeoutMs, onError } = this.#options
    const names = logKeys(prefix, db, log.key)
    const token = this.#nextToken()
    const keys = [...keysWithEntries(names), names.change(token)]
    const fixed = [...this.#logArguments(log), names.live]
    const { maxEntries, forgetAfterMs } = change
    // A retry is sent within `timeoutMs`, and may take that long again to arrive.
    const bounds = [2 * timeoutMs, maxEntries ?? -1, forgetAfterMs ?? -1].map(wholeNumber)
    const parts = changeArguments(change)
    return async () => {
      const args = fixed.concat(this.#publishCommand(), token, bounds, parts)
      const reply = await this.#run(changeScript, keys, args)
      const { notifyError, ...result } = parseChangeReply(reply, change)
      if (notifyError !== '') onError(notifyRefused(notifyError))
      return result
    }
  }

  /** Reads a page of a log's entries. */
  entries(log: ChannelLog, { after = '0', limit }: EntriesRange): Command<EntriesPage> {
    const names = logKeys(this.#options.prefix, this.#options.db, log.key)
    const fixed = [...this.#logArguments(log), names.live]
    const token = this.#nextToken()
    const count = wholeNumber(Math.max(1, limit))
    return async () => {
      const args = [...fixed, this.#publishCommand(), token, after, count]
      return parseEntries(await this.#run(entriesScript, keysWithEntries(names), args))
    }
  }

  /** Sends a notice to the listeners of a log. Returns `false` if there are none. */
  notify(log: ChannelLog, text: string): Command<boolean> {
    const { client, prefix, db, pubSub } = this.#options
    const { live } = logKeys(prefix, db, log.key)
    return async () => {
      const listeners = await client.call(this.#publishCommand(), [live, noticePrefix + text])
      // A Cluster node counts only its own listeners, but also passes the message on to other
      // nodes.
      return listeners !== 0 || (client.isCluster && pubSub() === 'classic')
    }
  }

  /** Deletes the events of a log. */
  clear(log: ChannelLog): Command<void> {
    const { prefix, db, onError } = this.#options
    const names = logKeys(prefix, db, log.key)
    const fixed = [...this.#logArguments(log), emptyLogMs, names.live]
    return async () => {
      const args = fixed.concat(this.#publishCommand())
      const keys = log.entries ? keysWithEntries(names) : [names.log, names.last]
      const notifyError = await this.#run(clearScript, keys, args)
      if (notifyError !== '') onError(notifyRefused(notifyError))
    }
  }

  /**
   * Runs a script by its hash, or by its text if Redis doesn't have it (after a restart, for
   * example). `callBuffer` returns the strings of the reply as bytes.
   */
  async #run(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    call: 'call' | 'callBuffer' = 'call',
  ): Promise<unknown> {
    const { client } = this.#options
    // Use `concat`, not a spread: JavaScript limits the number of arguments of a call.
    const rest = [String(keys.length)].concat(keys, args)
    try {
      this.#cork()
      return await client[call]('evalsha', [script.sha].concat(rest))
    } catch (error) {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return await client[call]('eval', [script.lua].concat(rest))
    }
  }

  #nextToken(): string {
    return `${this.#tokenPrefix}.${(this.#calls++).toString(36)}`
  }

  #publishCommand(): string {
    return publishCommands[this.#options.pubSub()]
  }

  /** Returns the arguments that every script begins with. */
  #logArguments({ retain }: ChannelLog): string[] {
    const forMs = wholeNumber(retain.forMs)
    const rememberedMs = wholeNumber(Number(forMs) + lastIdMs)
    return [wholeNumber(retain.events), forMs, rememberedMs, randomDigits(this.#options.clock)]
  }
}

function keysWithEntries({ log, last, entries, leases, expiries }: LogKeys): string[] {
  return [log, last, entries, leases, expiries]
}

/** Returns the arguments of the append script for one group. */
function groupArguments(group: AppendGroup, keyIndex: number, token: string): string[] {
  const { idempotencyMs = defaultIdempotencyMs } = group[0].options
  const payloads = group.flatMap((append) => append.payloads)
  const keptMs = keyIndex === 0 ? '0' : wholeNumber(idempotencyMs)
  return [String(keyIndex), keptMs, token, String(payloads.length)].concat(payloads)
}

/** The last position in a stream that another entry can follow. */
const lastPosition = '18446744073709551615-18446744073709551614'

/**
 * Returns an id that Redis accepts: both parts fit in 64 bits. No event can follow a larger id, so
 * such an id becomes the last position.
 */
function streamPosition(id: EventId): string {
  const fits = id.split('-').every((part) => BigInt(part) < 2n ** 64n - 1n)
  return fits ? id : lastPosition
}

function randomDigits(clock: Clock): string {
  return String(Math.floor(clock.random() * 2 ** 48))
}
