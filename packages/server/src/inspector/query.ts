import { isPlainObject, RealtimeError } from '@trpc-sse/protocol'
import type { Drill, Query } from './messages.ts'

const drills: readonly string[] = ['cut', 'stall', 'slow', 'gap', 'resume'] satisfies Drill[]

/** Parses a question. Throws `INVALID_MESSAGE` for any other value. */
export function parseQuery(value: unknown): Query {
  const query = isPlainObject(value) ? toQuery(value) : undefined
  if (query) return query
  throw new RealtimeError('INVALID_MESSAGE', 'The inspector doesn’t know this question.')
}

function toQuery(value: Readonly<Record<string, unknown>>): Query | undefined {
  const { type, stream, log, name, params, event, since, drill } = value
  switch (type) {
    case 'instances':
    case 'definitions':
    case 'runs':
    case 'interrupt':
      return { type }
    case 'streams':
    case 'channels':
      return { type, filter: typeof value.filter === 'string' ? value.filter : '' }
    case 'stream':
      return typeof stream === 'number' ? { type, stream } : undefined
    case 'log':
      return typeof log === 'string' && log.length <= 2_048 ? { type, log } : undefined
    case 'find':
      return typeof name === 'string' ? { type, name, params } : undefined
    case 'steps':
      return typeof since === 'number' && since >= 0 ? { type, since } : undefined
    case 'publish':
      return typeof name === 'string' ? { type, name, params, event } : undefined
    case 'drill':
      return isDrill(drill) && typeof stream === 'number' ? { type, drill, stream } : undefined
    default:
      return undefined
  }
}

function isDrill(value: unknown): value is Drill {
  return typeof value === 'string' && drills.includes(value)
}
