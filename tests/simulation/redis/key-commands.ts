import { isOption, wholeNumber } from './arguments.ts'
import type { RedisCommand } from './command.ts'
import { Hash, type Value } from './keyspace.ts'
import { CommandError, ok, Status, syntaxError } from './reply.ts'
import { Stream } from './stream.ts'

const remove: RedisCommand = {
  arity: -2,
  isWrite: true,
  run: ({ keys }, names) => names.filter((name) => keys.delete(name)).length,
}

/** Commands on keys of any type and on strings, and those of the server. */
export const keyCommands = {
  GET: { arity: 2, run: ({ keys }, [name = '']) => keys.text(name) ?? null },
  SET: {
    arity: -3,
    isWrite: true,
    needsMemory: true,
    run({ keys }, [name = '', value = '', option, ms]) {
      if (option === undefined) {
        keys.set(name, value, Infinity)
        return ok
      }
      if (!isOption(option, 'PX') || ms === undefined) throw syntaxError()
      const lifeMs = wholeNumber(ms)
      if (lifeMs <= 0) throw new CommandError("ERR invalid expire time in 'set' command")
      keys.set(name, value, keys.nowMs + lifeMs)
      return ok
    },
  },
  DEL: remove,
  UNLINK: remove,
  EXISTS: {
    arity: -2,
    run: ({ keys }, names) => names.filter((name) => keys.get(name) !== undefined).length,
  },
  PEXPIRE: {
    arity: 3,
    isWrite: true,
    run: ({ keys }, [name = '', ms]) => Number(keys.expireAt(name, keys.nowMs + wholeNumber(ms))),
  },
  PEXPIRETIME: {
    arity: 2,
    run({ keys }, [name = '']) {
      const expiresAtMs = keys.expiresAtMs(name)
      if (expiresAtMs === undefined) return -2
      return expiresAtMs === Infinity ? -1 : expiresAtMs
    },
  },
  TYPE: {
    arity: 2,
    run: ({ keys }, [name = '']) => new Status(typeName(keys.get(name))),
  },
  FLUSHALL: {
    arity: -1,
    isWrite: true,
    run({ keys }) {
      keys.clear()
      return ok
    },
  },
  TIME: {
    arity: 1,
    run({ nowMicros }) {
      const micros = nowMicros()
      return [String(Math.floor(micros / 1e6)), String(micros % 1e6)]
    },
  },
} satisfies Record<string, RedisCommand>

function typeName(value: Value | undefined): string {
  if (value === undefined) return 'none'
  if (typeof value === 'string') return 'string'
  if (value instanceof Stream) return 'stream'
  return value instanceof Hash ? 'hash' : 'zset'
}
