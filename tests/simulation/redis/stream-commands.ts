import { isOption, rangeEnd, rangeStart, streamId, wholeNumber } from './arguments.ts'
import type { RedisCommand } from './command.ts'
import { CommandError, syntaxError } from './reply.ts'
import { approximateLimit, Stream, type StreamEntry, type StreamId, type Trim } from './stream.ts'

/** Commands on streams. */
export const streamCommands = {
  XADD: {
    arity: -5,
    isWrite: true,
    needsMemory: true,
    run({ keys, nowMicros }, [name = '', ...args]) {
      const trim = takeTrim(args)
      const [id = '', ...fields] = args
      if (fields.length === 0 || fields.length % 2 === 1)
        throw new CommandError("ERR wrong number of arguments for 'xadd' command")
      const given = id === '*' ? undefined : streamId(id, 0)
      if (given && given.ms === 0 && given.seq === 0)
        throw new CommandError('ERR The ID specified in XADD must be greater than 0-0')
      const existing = keys.stream(name)
      const stream = existing ?? new Stream()
      const added = given ?? stream.nextId(Math.floor(nowMicros() / 1_000))
      stream.add(added, fields)
      if (!existing) keys.set(name, stream)
      if (trim) stream.trim(trim)
      return formatId(added)
    },
  },
  XTRIM: {
    arity: -4,
    isWrite: true,
    run({ keys }, [name = '', ...args]) {
      const trim = takeTrim(args)
      if (trim === undefined || args.length > 0) throw syntaxError()
      return keys.stream(name)?.trim(trim) ?? 0
    },
  },
  XDEL: {
    arity: -3,
    isWrite: true,
    run({ keys }, [name = '', ...ids]) {
      const parsed = ids.map((id) => streamId(id, 0))
      const stream = keys.stream(name)
      return parsed.filter((id) => stream?.delete(id)).length
    },
  },
  XLEN: { arity: 2, run: ({ keys }, [name = '']) => keys.stream(name)?.length ?? 0 },
  XRANGE: {
    arity: -4,
    run({ keys }, [name = '', from = '', to = '', ...args]) {
      const [start, end, count] = [rangeStart(from), rangeEnd(to), takeCount(args)]
      const entries = keys.stream(name)?.range(start, end, count ?? Infinity) ?? []
      return count === 0 ? null : entries.map(formatEntry)
    },
  },
  XREVRANGE: {
    arity: -4,
    run({ keys }, [name = '', to = '', from = '', ...args]) {
      const [start, end, count] = [rangeStart(from), rangeEnd(to), takeCount(args)]
      const entries = keys.stream(name)?.reverseRange(end, start, count ?? Infinity) ?? []
      return count === 0 ? null : entries.map(formatEntry)
    },
  },
} satisfies Record<string, RedisCommand>

function formatId({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`
}

function formatEntry(entry: StreamEntry): readonly [string, readonly string[]] {
  return [formatId(entry), entry.fields]
}

/** Takes how to trim from the start of arguments: `MAXLEN` or `MINID`, `~` or `=`, `LIMIT`. */
function takeTrim(args: string[]): Trim | undefined {
  const [option] = args
  if (!isOption(option, 'MAXLEN') && !isOption(option, 'MINID')) return undefined
  args.shift()
  const isApproximate = args[0] === '~'
  if (isApproximate || args[0] === '=') args.shift()
  const bound = args.shift()
  const by = isOption(option, 'MINID')
    ? { minId: streamId(bound ?? '', 0) }
    : { maxLength: wholeNumber(bound) }
  if ('maxLength' in by && by.maxLength < 0)
    throw new CommandError('ERR The MAXLEN argument must be >= 0.')
  let limit = isApproximate ? approximateLimit : 0
  if (isOption(args[0], 'LIMIT')) {
    args.shift()
    limit = wholeNumber(args.shift())
    if (!isApproximate)
      throw new CommandError('ERR syntax error, LIMIT cannot be used without the special ~ option')
  }
  return { by, isApproximate, limit }
}

function takeCount(args: readonly string[]): number | undefined {
  if (args.length === 0) return undefined
  if (args.length !== 2 || !isOption(args[0], 'COUNT')) throw syntaxError()
  return Math.max(0, wholeNumber(args[1]))
}
