import { formatFixed, formatGeneral, operand, toNumber, toText } from './numbers.ts'
import { toRegExp } from './patterns.ts'
import { isTrue, LuaError, type LuaFunction, LuaTable, type LuaValue, typeOf } from './values.ts'

/** The functions of Lua that scripts have, as far as scripts of ours may need them. */
export function createLibrary(): Map<string, LuaValue> {
  return new Map<string, LuaValue>([
    ['tonumber', (value) => [toNumber(value)]],
    ['tostring', (value) => [toText(value)]],
    ['type', (value) => [typeOf(value)]],
    ['ipairs', (table) => [nextItem, table, 0]],
    ['pairs', pairs],
    ['unpack', unpack],
    ['error', throwError],
    ['string', tableOf(strings)],
    ['table', tableOf(tables)],
    ['math', tableOf(mathematics)],
  ])
}

/** Creates a table of functions. */
export function tableOf(functions: Readonly<Record<string, LuaValue>>): LuaTable {
  const table = new LuaTable()
  for (const [name, value] of Object.entries(functions)) table.set(name, value)
  return table
}

const nextItem: LuaFunction = (table, index) => {
  const next = operand(index) + 1
  const value = asTable(table).get(next)
  return value === undefined ? [] : [next, value]
}

const pairs: LuaFunction = (value) => {
  const table = asTable(value)
  const keys = [...table.list.map((_, i) => i + 1), ...table.otherKeys()]
  return [
    () => {
      const key = keys.shift()
      return key === undefined ? [] : [key, table.get(key)]
    },
  ]
}

const unpack: LuaFunction = (table, from = 1, to) => {
  const { list } = asTable(table)
  return list.slice(operand(from) - 1, to === undefined ? undefined : operand(to))
}

const throwError: LuaFunction = (message) => {
  throw new LuaError(toText(message))
}

const strings: Readonly<Record<string, LuaFunction>> = {
  len: (text) => [asText(text).length],
  sub: (text, from, to) => [slice(asText(text), operand(from), operand(to ?? -1))],
  rep: (text, times) => [asText(text).repeat(Math.max(0, operand(times)))],
  match(text, pattern) {
    const [whole, ...groups] = toRegExp(asText(pattern)).exec(asText(text)) ?? [undefined]
    if (whole === undefined) return [undefined]
    return groups.length > 0 ? groups : [whole]
  },
  format(pattern, ...values) {
    const left = values[Symbol.iterator]()
    const text = asText(pattern).replace(/%(?:\.(\d+))?([a-z%])/g, (_, digits, kind) =>
      kind === '%' ? '%' : formatOne(kind, Number(digits ?? 6), left.next().value),
    )
    return [text]
  },
}

function formatOne(kind: string, digits: number, value: LuaValue): string {
  if (kind === 's') return toText(value)
  if (kind === 'd') return String(Math.trunc(operand(value)))
  if (kind === 'f') return formatFixed(operand(value), digits)
  if (kind === 'g') return formatGeneral(operand(value), digits)
  throw new LuaError(`%${kind} is not part of the model`)
}

function slice(text: string, from: number, to: number): string {
  const start = from < 0 ? Math.max(0, text.length + from) : Math.max(0, from - 1)
  const end = to < 0 ? text.length + to + 1 : to
  return text.slice(start, Math.max(start, end))
}

const tables: Readonly<Record<string, LuaFunction>> = {
  insert(table, ...args) {
    const { list } = asTable(table)
    if (args.length === 1) list.push(args[0])
    else list.splice(operand(args[0]) - 1, 0, args[1])
    return []
  },
  concat(table, separator = '') {
    const { list } = asTable(table)
    return [list.map(asText).join(asText(separator))]
  },
}

const mathematics: Readonly<Record<string, LuaValue>> = {
  huge: Infinity,
  floor: (value) => [Math.floor(operand(value))],
  ceil: (value) => [Math.ceil(operand(value))],
  max: (...values) => [Math.max(...values.map(operand))],
  min: (...values) => [Math.min(...values.map(operand))],
}

function asTable(value: LuaValue): LuaTable {
  if (value instanceof LuaTable) return value
  throw new LuaError(`bad argument (table expected, got ${typeOf(value)})`)
}

function asText(value: LuaValue): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return toText(value)
  const got = isTrue(value) ? typeOf(value) : toText(value)
  throw new LuaError(`bad argument (string expected, got ${got})`)
}
