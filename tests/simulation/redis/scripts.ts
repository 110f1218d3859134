import { createHash } from 'node:crypto'
import { wholeNumber } from './arguments.ts'
import { compileLua, type LuaScript } from './lua/compile.ts'
import { createLibrary, tableOf } from './lua/library.ts'
import { formatGeneral, toText } from './lua/numbers.ts'
import { isTrue, LuaError, LuaTable, type LuaValue } from './lua/values.ts'
import { CommandError, type Reply, Status } from './reply.ts'

/** Runs one command of a script; throws what the command fails with. */
export type RunCommand = (name: string, args: readonly string[]) => Reply

/** Compiling takes longer than running, and the scripts are the same in all worlds. */
const compiled = new Map<string, LuaScript>()
const library = createLibrary()

/** The name under which Redis keeps a script. */
export function nameOfScript(lua: string): string {
  return createHash('sha1').update(lua, 'latin1').digest('hex')
}

/** Runs a script in one step. `args` begin with the number of keys. */
export function runScript(lua: string, args: readonly string[], runCommand: RunCommand): Reply {
  const [count, ...rest] = args
  const keyCount = wholeNumber(count)
  if (keyCount < 0) throw new CommandError("ERR Number of keys can't be negative")
  if (keyCount > rest.length)
    throw new CommandError("ERR Number of keys can't be greater than number of args")
  const globals = new Map(library)
  globals.set('KEYS', new LuaTable(rest.slice(0, keyCount)))
  globals.set('ARGV', new LuaTable(rest.slice(keyCount)))
  globals.set('redis', redisTable(runCommand))
  try {
    const [result] = scriptOf(lua)(globals)
    return toReply(result)
  } catch (error) {
    if (error instanceof LuaError) throw new CommandError(`ERR ${error.message}`)
    throw error
  }
}

function scriptOf(lua: string): LuaScript {
  const existing = compiled.get(lua)
  if (existing) return existing
  const script = compileLua(lua)
  compiled.set(lua, script)
  return script
}

function redisTable(runCommand: RunCommand): LuaTable {
  const run = (args: readonly LuaValue[]): Reply => {
    const [name = '', ...rest] = args.map(toArgument)
    return runCommand(name, rest)
  }
  return tableOf({
    call: (...args) => [toValue(run(args))],
    pcall(...args) {
      try {
        return [toValue(run(args))]
      } catch (error) {
        if (error instanceof CommandError) return [tableOf({ err: error.message })]
        throw error
      }
    },
    error_reply: (text) => [tableOf({ err: toText(text) })],
    status_reply: (text) => [tableOf({ ok: toText(text) })],
  })
}

function toArgument(value: LuaValue): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatGeneral(value, 17)
  throw new CommandError('ERR Lua redis lib command arguments must be strings or integers')
}

/** What a script gets for a reply to one of its commands. */
function toValue(reply: Reply): LuaValue {
  if (typeof reply === 'string' || typeof reply === 'number') return reply
  if (reply === null) return false
  if (reply instanceof Status) return tableOf({ ok: reply.text })
  if (reply instanceof CommandError) throw reply
  return new LuaTable(reply.map(toValue))
}

/** What a client gets for the result of a script. */
function toReply(value: LuaValue): Reply {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return Math.trunc(value)
  if (!(value instanceof LuaTable)) return isTrue(value) ? 1 : null
  const [error, status] = [value.get('err'), value.get('ok')]
  if (typeof error === 'string') return new CommandError(error)
  if (typeof status === 'string') return new Status(status)
  return value.list.map(toReply)
}
