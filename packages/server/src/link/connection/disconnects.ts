import { RealtimeError } from '@trpc-sse/protocol'
import { mustBeValue } from '../../user-code/calls.ts'
import type { ConnectionInfo } from './connection.ts'

/** Says which connections are to be disconnected. */
export type DisconnectFilter = (info: ConnectionInfo) => boolean

/** Which connections are to be disconnected: those that have all that is given. */
export interface DisconnectTarget {
  /** Whose they are, as `connectionKey` tells. */
  readonly key?: string | undefined
  /** The path of a subscription on them, dotted. */
  readonly path?: string | undefined
}

/** The filter that a target stands for. Throws `INVALID_OPTION` for one with neither a key nor a path. */
export function disconnectFilter(target: DisconnectTarget | DisconnectFilter): DisconnectFilter {
  if (typeof target === 'function')
    return (info) => mustBeValue(target(info), 'The function given to disconnect()')
  const { key, path } = target
  if (key === undefined && path === undefined) {
    const message =
      'disconnect() without a key and a path would be for all connections. Give one, or `() => true` if you mean all.'
    throw new RealtimeError('INVALID_OPTION', message)
  }
  return (info) =>
    (key === undefined || info.key === key) && (path === undefined || info.paths.includes(path))
}

/** One request that is being asked who it is, and what was disconnected meanwhile. */
export interface Asking {
  /** Whether a disconnect since it began was for this one: what is known of it may not hold any more. */
  isStale(info: ConnectionInfo): boolean
  /** It is known who it is. Ending twice is harmless. */
  end(): void
}

/** The disconnects that concern requests whose context is being made: these are in no list yet. */
export interface Disconnects {
  /** Called before a context is made. */
  ask(): Asking
  record(filter: DisconnectFilter): void
}

/** Filters that are kept. A context that takes longer than as many disconnects is stale for sure. */
const mostFilters = 1_000

/** Creates a record of disconnects. It keeps none where nobody is being asked. */
export function createDisconnects(): Disconnects {
  let filters: DisconnectFilter[] = []
  let forgotten = 0
  let asking = 0

  function clear(): void {
    forgotten += filters.length
    filters = []
  }

  return {
    ask() {
      const since = forgotten + filters.length
      let ended = false
      asking += 1
      return {
        isStale: (info) =>
          since < forgotten || filters.slice(since - forgotten).some((filter) => filter(info)),
        end() {
          if (ended) return
          ended = true
          asking -= 1
          if (asking === 0) clear()
        },
      }
    },
    record(filter) {
      if (asking === 0) return
      filters.push(filter)
      if (filters.length <= mostFilters) return
      filters.shift()
      forgotten += 1
    },
  }
}
