import { isPlainObject } from '@trpc-sse/protocol'
import { usageError } from '../exit-codes.ts'
import { parseJson } from '../json.ts'
import type { OptionSpecs, Options } from '../options.ts'

/** The options that name a log in another way than by its channel. */
export const logNameOptions: OptionSpecs = {
  presence: { help: 'the members of the channel, instead of its events' },
  key: { value: '<key>', help: 'the exact key of a log, instead of a channel and its params' },
}

/** The parts of a log's key. */
export interface LogName {
  /** The name of the channel; the key itself for a log that isn't of a channel. */
  readonly name: string
  /** The params, as JSON; '' if there are none. */
  readonly params: string
  /** What the key says about the log: state channels and runs have keys of channels. */
  readonly kind: 'channel' | 'presence' | 'index' | 'internal'
}

/** Returns the key that the arguments `<channel> [params]` and the options name. */
export function logKeyFrom(args: readonly string[], options: Options): string {
  const key = options.text('key')
  const [name, params] = args
  if (key !== undefined) {
    if (name === undefined) return key
    throw usageError('give a channel or --key, not both.')
  }
  if (name === undefined) throw usageError('give a channel, or --key.')
  const log = params === undefined ? JSON.stringify([name]) : keyWithParams(name, params)
  return options.flag('presence') ? `~presence${log}` : log
}

/** Parses a log's key. */
export function parseLogName(key: string): LogName {
  const isPresence = key.startsWith('~presence')
  const parts = parseList(isPresence ? key.slice('~presence'.length) : key)
  const [name, params] = parts ?? []
  if (typeof name !== 'string') return { name: key, params: '', kind: 'internal' }
  const text = params === undefined ? '' : JSON.stringify(params)
  if (isPresence) return { name, params: text, kind: 'presence' }
  if (name.startsWith('~')) return { name: name.slice(1), params: text, kind: 'index' }
  return { name, params: text, kind: 'channel' }
}

function keyWithParams(name: string, params: string): string {
  return `[${JSON.stringify(name)},${sortedJson(parseParams(params))}]`
}

/** Parses the argument `[params]`. Throws a usage error if it isn't JSON, or is nested too deep. */
export function parseParams(params: string): unknown {
  try {
    return parseJson(params)
  } catch {
    throw usageError(`the params are not JSON. Write for example '{"room":"lobby"}'.`)
  }
}

/** Writes JSON with sorted keys, as the keys of logs have it. */
function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`
  if (!isPlainObject(value)) return JSON.stringify(value)
  const properties = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sortedJson(value[key])}`)
  return `{${properties.join(',')}}`
}

function parseList(text: string): readonly unknown[] | undefined {
  try {
    const value = parseJson(text)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
