import luaparse from 'luaparse'
import { type Operations, operations } from './operations.ts'
import { StatementWriter } from './statements.ts'
import { LuaError, type LuaValue } from './values.ts'

/** A compiled script: gets its globals, and returns what the script does. */
export type LuaScript = (globals: ReadonlyMap<string, LuaValue>) => readonly LuaValue[]

/**
 * Compiles Lua 5.1 to JavaScript. Throws for the parts of Lua that it doesn't know, so that no
 * script means something else here than in Redis.
 *
 * @param lua The script's bytes, each as one character.
 */
export function compileLua(lua: string): LuaScript {
  const { body } = luaparse.parse(lua, { luaVersion: '5.1', encodingMode: 'pseudo-latin1' })
  const source = new StatementWriter().function([], body)
  const create = new Function('lua', 'global', `'use strict'; return ${source}`) as (
    lua: Operations,
    global: (name: string) => LuaValue,
  ) => () => readonly LuaValue[]
  let known: ReadonlyMap<string, LuaValue> = new Map()
  const run = create(operations, (name) => {
    if (known.has(name)) return known.get(name)
    throw new LuaError(`Script attempted to access nonexistent global variable '${name}'`)
  })
  return (globals) => {
    known = globals
    return run()
  }
}
