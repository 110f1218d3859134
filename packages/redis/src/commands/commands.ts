import type { ChannelLog, Clock, EventId, LogPage, ReadRange } from '@trpc-sse/server'
import type { Cluster, Redis } from 'ioredis'
import { createCork } from '../connection/cork.ts'
import type { PubSub } from '../connection/readiness.ts'
import { replyCode, untoldError } from '../errors.ts'
import { logKeys } from '../keys.ts'
import type { AppendGroups } from './append-queue.ts'
import type { Send } from './retries.ts'
import {
  appendScript,
  clearScript,
  noticePrefix,
  readScript,
  type Script,
} from './scripts/append.ts'
import { type AppendAnswer, parseAppendAnswers, parsePage } from './scripts/replies.ts'

/** The operations on a log, each as one run of a script. */
export interface Commands {
  /** Stores groups of appends to one log, one after the other, in one step. */
  append(groups: AppendGroups): Send<readonly AppendAnswer[]>
  read(log: ChannelLog, range: ReadRange): Send<LogPage>
  /** Hands on a text; `false` if nobody listens. */
  notify(log: ChannelLog, text: string): Send<boolean>
  clear(log: ChannelLog): Send<void>
}

/** What {@link createCommands} needs. */
export interface CommandsOptions {
  readonly client: Redis | Cluster
  readonly clock: Clock
  readonly prefix: string
  readonly db: number
  /** How events are told, known once commands can be sent. */
  pubSub(): PubSub
  /** Told of what no publish fails for. */
  onError(error: unknown): void
}

const defaultIdempotencyMs = 300_000
/** How long a last id outlives its events, in milliseconds: 30 days. */
const lastIdMs = 30 * 86_400_000
/** How long a log without events is remembered after its last use, in milliseconds. */
const emptyLogMs = '600000'

const publishCommands: Readonly<Record<PubSub, string>> = {
  classic: 'PUBLISH',
  sharded: 'SPUBLISH',
}

/** Creates the operations on a client's logs. */
export function createCommands({
  client,
  clock,
  prefix,
  db,
  pubSub,
  onError,
}: CommandsOptions): Commands {
  const cork = createCork(client)
  // Every call of every process has its own token, by which what it stored is found again.
  const process = randomDigits(clock)
  let calls = 0

  /** Runs a script by its name, and by its text where Redis doesn't know it, after a restart for example. */
  async function run(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    // Not spread: the number of arguments of a call is limited.
    const rest = [String(keys.length)].concat(keys, args)
    try {
      cork()
      return await client.call('evalsha', [script.sha].concat(rest))
    } catch (error) {
      if (replyCode(error) !== 'NOSCRIPT') throw error
      return await client.call('eval', [script.lua].concat(rest))
    }
  }

  /** The arguments with which both scripts begin. */
  const common = ({ retain }: ChannelLog): string[] => {
    const forMs = wholeNumber(retain.forMs)
    return [
      wholeNumber(retain.events),
      forMs,
      wholeNumber(Number(forMs) + lastIdMs),
      randomDigits(clock),
    ]
  }

  return {
    append(groups) {
      const { log } = groups[0][0]
      const names = logKeys(prefix, db, log.key)
      const keys = [names.log, names.last]
      const fixed = [...common(log), names.live]
      const tokens = groups.map(() => `${process}.${(calls++).toString(36)}`)
      const stored = groups.flatMap((group, i) => {
        const { idempotencyKey, idempotencyMs = defaultIdempotencyMs } = group[0].options
        const payloads = group.flatMap((append) => append.payloads)
        const about = [tokens[i] ?? '', String(payloads.length), ...payloads]
        if (idempotencyKey === undefined) return ['0', '0', ...about]
        return [
          String(keys.push(names.idempotency(idempotencyKey))),
          wholeNumber(idempotencyMs),
          ...about,
        ]
      })
      return async (doubtMs) => {
        const args = fixed.concat(publishCommands[pubSub()], wholeNumber(doubtMs), stored)
        const answer = parseAppendAnswers(await run(appendScript, keys, args), groups, tokens)
        if (answer.untold !== '') onError(untoldError(answer.untold))
        return answer.groups
      }
    },
    read(log, range) {
      const { log: stream, last } = logKeys(prefix, db, log.key)
      const [newest, after] =
        'after' in range ? [-1, streamPosition(range.after)] : [range.last, '-']
      const bounds = [range.limit, range.maxBytes ?? Number.MAX_SAFE_INTEGER].map(wholeNumber)
      const args = [...common(log), emptyLogMs, wholeNumber(newest), after, ...bounds]
      return async () => parsePage(await run(readScript, [stream, last], args), range)
    },
    notify: (log, text) => async () => {
      const { live } = logKeys(prefix, db, log.key)
      const told = await client.call(publishCommands[pubSub()], [live, noticePrefix + text])
      // A node of a Cluster counts its own listeners, and passes on to the others.
      return told !== 0 || (client.isCluster && pubSub() === 'classic')
    },
    clear(log) {
      const names = logKeys(prefix, db, log.key)
      const fixed = [...common(log), emptyLogMs, names.live]
      return async () => {
        const untold = await run(
          clearScript,
          [names.log, names.last],
          [...fixed, publishCommands[pubSub()]],
        )
        if (untold !== '') onError(untoldError(untold))
      }
    },
  }
}

/** The last position of a stream that something can come after. */
const lastPosition = '18446744073709551615-18446744073709551614'

/** An event id as Redis takes it: both parts fit in 64 bits. Nothing comes after one that doesn't. */
function streamPosition(id: EventId): string {
  const fits = id.split('-').every((part) => BigInt(part) < 2n ** 64n - 1n)
  return fits ? id : lastPosition
}

/** Digits for Redis: nothing that JavaScript would write with an exponent, and no deadline beyond its calendar. */
function wholeNumber(value: number): string {
  return String(Math.min(Math.ceil(value), 1e15))
}

function randomDigits(clock: Clock): string {
  return String(Math.floor(clock.random() * 2 ** 48))
}
