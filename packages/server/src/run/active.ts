import { type TrackedEnvelope, tracked } from '@trpc/server'
import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { EntriesPage } from '../backend/entries.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { createReadGroup, type Reads, readInTurn } from '../hub/reads.ts'
import { badRequest } from '../subscription/errors.ts'
import type { LiveEvent } from '../subscription/live.ts'
import type { LiveOptions } from '../subscription/options.ts'
import { type ChannelFeedOptions, followLive } from '../subscription/subscribe.ts'
import type { ChannelSubscription } from '../subscription/subscription.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import type { AnyRunDefinition } from './definition.ts'

/** A run that is running. */
export interface ActiveRun<TParams> {
  /** The params, as `channels.<name>(params)` takes them. */
  readonly params: TParams
  /** When it started, in milliseconds since 1970, by the clock of its producer. */
  readonly startedAt: number
}

/** A change of the active runs: one has started, or one has ended in any way. */
export type ActiveRunChange<TParams> =
  | ({ readonly type: 'started' } & ActiveRun<TParams>)
  | { readonly type: 'ended'; readonly params: TParams }

/** The items of a subscription to active runs: all of them, and the changes that follow. */
export type ActiveRunEvent<TParams> = LiveEvent<
  readonly ActiveRun<TParams>[],
  ActiveRunChange<TParams>
>

/**
 * The active runs of one index. A run whose producer is gone is active until its lease ends.
 */
export interface ActiveRuns<TParams> {
  /** Returns the active runs, oldest first. Rejects with `BACKEND_UNAVAILABLE`. */
  list(): Promise<readonly ActiveRun<TParams>[]>
  /**
   * Subscribes to the active runs: first `{ type: 'snapshot', data }` with all of them, then
   * `{ type: 'event', data }` for each change. Its data is `{ type: 'started', params, startedAt }`
   * or `{ type: 'ended', params }`.
   *
   * Pass the resolver's `opts`, and return the result from the procedure. The snapshot may already
   * include the first changes, so reducers must be idempotent.
   */
  live(options?: LiveOptions): ChannelSubscription<ActiveRunEvent<TParams>>
}

/** The parts of {@link ActiveRuns}. */
export interface ActiveRunsOptions extends Omit<ChannelFeedOptions, 'behind'> {
  readonly backend: EntriesBackend
  readonly reads: Reads
}

/** Creates a reader of the active runs of one index. */
export function createActiveRuns<TParams>(options: ActiveRunsOptions): ActiveRuns<TParams> {
  const read = (): Promise<Listed<TParams>> => readActive(options)
  const channel = { ...options, behind: { policy: 'catchUp', events: 1_000 } } as const
  return {
    async list() {
      return (await keepAlive(read())).runs
    },
    live: (live = {}) =>
      followLive(
        channel,
        live,
        async (): Promise<TrackedEnvelope<readonly ActiveRun<TParams>[]>> => {
          const { runs, lastEventId } = await read()
          return tracked(lastEventId, runs)
        },
      ),
  }
}

/** Active runs, and the position up to which they include all changes. */
interface Listed<TParams> {
  readonly runs: readonly ActiveRun<TParams>[]
  readonly lastEventId: EventId
}

const entriesPerPage = 1_000

async function readActive<TParams>(options: ActiveRunsOptions): Promise<Listed<TParams>> {
  const { log, backend, codec, reads } = options
  const turn = { log: log.key, group: createReadGroup() }
  const runs = new Map<string, ActiveRun<TParams>>()
  let first: EntriesPage | undefined
  let next: string | undefined
  do {
    const range = { limit: entriesPerPage, ...(next !== undefined && { after: next }) }
    const page = await readInTurn(reads, turn, () => backend.entries(log, range))
    for (const [key, text] of page.entries)
      runs.set(key, codec.deserialize(text) as ActiveRun<TParams>)
    first ??= page
    next = page.next
  } while (next !== undefined)
  const sorted = [...runs.values()].sort((a, b) => a.startedAt - b.startedAt)
  return { runs: sorted, lastEventId: first.lastEventId }
}

/** The number of changes that an index keeps for readers that resume. */
const retain = { events: 1_000, forMs: 3_600_000 }
const maxIndexLength = 256

/**
 * Returns the log of an index. Throws `INVALID_OPTION` for a value that isn't a string. Throws
 * BAD_REQUEST for a string that can't be an index, because it often comes from input.
 */
export function activeLog(
  { leaseMs, index: isIndexed }: AnyRunDefinition,
  name: string,
  index: unknown,
): ChannelLog {
  if (!isIndexed) {
    const message = `run "${name}" has no index. Give run() the option index: (params) => …`
    throw new RealtimeError('INVALID_OPTION', message)
  }
  const message = `run "${name}": the index must be a string of 1 to ${maxIndexLength} characters.`
  if (typeof index !== 'string') throw new RealtimeError('INVALID_OPTION', message)
  if (index === '' || index.length > maxIndexLength)
    throw badRequest(new RealtimeError('INVALID_OPTION', message))
  // No name of a channel starts with this character.
  const entries = { checkMs: leaseMs / 2, setWithEvents: true }
  return { key: JSON.stringify([`~${name}`, index]), retain, entries }
}
