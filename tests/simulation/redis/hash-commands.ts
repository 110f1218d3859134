import { isOption, wholeNumber } from './arguments.ts'
import type { RedisCommand } from './command.ts'
import { Hash } from './keyspace.ts'
import { CommandError, syntaxError } from './reply.ts'

/** Up to so many fields, a scan returns all at once. */
const smallHash = 512

/** Commands on hashes. */
export const hashCommands = {
  HGET: {
    arity: 3,
    run: ({ keys }, [name = '', field = '']) => keys.hash(name)?.fields.get(field) ?? null,
  },
  HSET: {
    arity: -4,
    isWrite: true,
    needsMemory: true,
    run({ keys }, [name = '', ...pairs]) {
      if (pairs.length % 2 === 1)
        throw new CommandError("ERR wrong number of arguments for 'hset' command")
      const hash = keys.hash(name) ?? new Hash()
      const before = hash.fields.size
      for (let i = 0; i < pairs.length; i += 2) hash.fields.set(pairs[i] ?? '', pairs[i + 1] ?? '')
      if (before === 0) keys.set(name, hash)
      return hash.fields.size - before
    },
  },
  HDEL: {
    arity: -3,
    isWrite: true,
    run({ keys }, [name = '', ...fields]) {
      const hash = keys.hash(name)
      const removed = fields.filter((field) => hash?.fields.delete(field)).length
      if (hash?.fields.size === 0) keys.delete(name)
      return removed
    },
  },
  HGETALL: {
    arity: 2,
    run: ({ keys }, [name = '']) => [...(keys.hash(name)?.fields ?? [])].flat(),
  },
  HLEN: { arity: 2, run: ({ keys }, [name = '']) => keys.hash(name)?.fields.size ?? 0 },
  HEXISTS: {
    arity: 3,
    run: ({ keys }, [name = '', field = '']) => Number(keys.hash(name)?.fields.has(field) ?? false),
  },
  HSCAN: {
    arity: -3,
    run({ keys }, [name = '', cursor, option, size]) {
      const at = wholeNumber(cursor)
      if (option !== undefined && (!isOption(option, 'COUNT') || wholeNumber(size) < 1))
        throw syntaxError()
      const fields = [...(keys.hash(name)?.fields ?? [])]
      const count = fields.length <= smallHash ? fields.length : wholeNumber(size ?? '10')
      const next = at + count >= fields.length ? '0' : String(at + count)
      return [next, fields.slice(at, at + count).flat()]
    },
  },
} satisfies Record<string, RedisCommand>
