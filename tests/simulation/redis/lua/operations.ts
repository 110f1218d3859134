import { operand, toText } from './numbers.ts'
import { isTrue, LuaError, type LuaFunction, LuaTable, type LuaValue, typeOf } from './values.ts'

/** What compiled scripts call for what JavaScript does in another way than Lua. */
export const operations = {
  isTrue,
  operand,
  newTable: (list: LuaValue[]): LuaTable => {
    const hole = list.indexOf(undefined)
    if (hole < 0) return new LuaTable(list)
    const table = new LuaTable()
    for (const [i, value] of list.entries()) if (value !== undefined) table.set(i + 1, value)
    return table
  },
  index(base: LuaValue, key: LuaValue): LuaValue {
    if (base instanceof LuaTable) return base.get(key)
    throw new LuaError(`attempt to index a ${typeOf(base)} value`)
  },
  setIndex(base: LuaValue, key: LuaValue, value: LuaValue): void {
    if (!(base instanceof LuaTable)) throw new LuaError(`attempt to index a ${typeOf(base)} value`)
    base.set(key, value)
  },
  toFunction(value: LuaValue): LuaFunction {
    if (typeof value === 'function') return value
    throw new LuaError(`attempt to call a ${typeOf(value)} value`)
  },
  length(value: LuaValue): number {
    if (typeof value === 'string') return value.length
    if (value instanceof LuaTable) return value.list.length
    throw new LuaError(`attempt to get length of a ${typeOf(value)} value`)
  },
  concat(left: LuaValue, right: LuaValue): string {
    return asPart(left) + asPart(right)
  },
  isLess(left: LuaValue, right: LuaValue): boolean {
    if (typeof left === 'number' && typeof right === 'number') return left < right
    if (typeof left === 'string' && typeof right === 'string') return left < right
    throw notComparable(left, right)
  },
  isAtMost(left: LuaValue, right: LuaValue): boolean {
    if (typeof left === 'number' && typeof right === 'number') return left <= right
    if (typeof left === 'string' && typeof right === 'string') return left <= right
    throw notComparable(left, right)
  },
  modulo(left: number, right: number): number {
    return left - Math.floor(left / right) * right
  },
}

/** The operations, as a compiled script gets them. */
export type Operations = typeof operations

function asPart(value: LuaValue): string {
  if (typeof value === 'string' || typeof value === 'number') return toText(value)
  throw new LuaError(`attempt to concatenate a ${typeOf(value)} value`)
}

function notComparable(left: LuaValue, right: LuaValue): LuaError {
  return new LuaError(`attempt to compare ${typeOf(left)} with ${typeOf(right)}`)
}
