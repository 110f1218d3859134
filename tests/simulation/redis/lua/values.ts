/** A value of Lua 5.1. Strings are bytes: each character is one, from 0 to 255. */
export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction

/** A function of Lua: it takes and returns any number of values. */
export type LuaFunction = (...args: LuaValue[]) => readonly LuaValue[]

/** What a script throws: an error of Lua, or of a command that it has called. */
export class LuaError extends Error {
  override readonly name = 'LuaError'
}

/** A table of Lua. What is numbered from 1 on without a hole is kept as a list. */
export class LuaTable {
  readonly list: LuaValue[]
  readonly #others = new Map<LuaValue, LuaValue>()

  constructor(list: LuaValue[] = []) {
    this.list = list
  }

  get(key: LuaValue): LuaValue {
    if (typeof key === 'number' && key >= 1 && key <= this.list.length) return this.list[key - 1]
    return this.#others.get(key)
  }

  set(key: LuaValue, value: LuaValue): void {
    const { list } = this
    if (typeof key !== 'number' || key < 1 || key > list.length + 1) this.#setOther(key, value)
    else if (key <= list.length) this.#replace(key, value)
    else if (value !== undefined) this.#append(value)
  }

  /** The keys that aren't part of the list. */
  otherKeys(): LuaValue[] {
    return [...this.#others.keys()]
  }

  #setOther(key: LuaValue, value: LuaValue): void {
    if (key === undefined) throw new LuaError('table index is nil')
    if (value === undefined) this.#others.delete(key)
    else this.#others.set(key, value)
  }

  #replace(key: number, value: LuaValue): void {
    const { list } = this
    if (value !== undefined) {
      list[key - 1] = value
      return
    }
    for (const [i, moved] of list.splice(key - 1).entries())
      if (i > 0) this.#others.set(key + i, moved)
  }

  #append(value: LuaValue): void {
    const { list } = this
    list.push(value)
    while (this.#others.size > 0) {
      const next = this.#others.get(list.length + 1)
      if (next === undefined) return
      this.#others.delete(list.length + 1)
      list.push(next)
    }
  }
}

/** Whether a condition with this value holds. */
export function isTrue(value: LuaValue): boolean {
  return value !== undefined && value !== false
}

/** The name of a value's type. */
export function typeOf(value: LuaValue): string {
  if (value === undefined) return 'nil'
  return value instanceof LuaTable ? 'table' : typeof value
}
