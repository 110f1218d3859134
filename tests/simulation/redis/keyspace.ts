import { wrongType } from './reply.ts'
import { Stream } from './stream.ts'

/** A sorted set: the score of each member. */
export class SortedSet {
  readonly scores: Map<string, number>

  constructor(scores: ReadonlyMap<string, number> = new Map()) {
    this.scores = new Map(scores)
  }

  /** The members by score, then by their bytes. */
  sorted(): Array<readonly [string, number]> {
    return [...this.scores].sort(([one, a], [other, b]) => a - b || (one < other ? -1 : 1))
  }
}

/** A hash: the value of each field. */
export class Hash {
  readonly fields: Map<string, string>

  constructor(fields: ReadonlyMap<string, string> = new Map()) {
    this.fields = new Map(fields)
  }
}

/** What a key holds. */
export type Value = string | Stream | Hash | SortedSet

interface Key {
  value: Value
  expiresAtMs: number
}

/** The keys of a database, with the times at which they expire. */
export class Keyspace {
  readonly #keys = new Map<string, Key>()
  /** The time by which keys expire, the same for a whole command. */
  nowMs = 0

  clone(): Keyspace {
    const copy = new Keyspace()
    for (const [name, { value, expiresAtMs }] of this.#keys)
      copy.#keys.set(name, { value: copyOf(value), expiresAtMs })
    return copy
  }

  names(): string[] {
    return [...this.#keys.keys()].filter((name) => this.#find(name) !== undefined)
  }

  get(name: string): Value | undefined {
    return this.#find(name)?.value
  }

  text(name: string): string | undefined {
    const value = this.get(name)
    if (value === undefined || typeof value === 'string') return value
    throw wrongType()
  }

  stream(name: string): Stream | undefined {
    return this.#instance(name, Stream)
  }

  hash(name: string): Hash | undefined {
    return this.#instance(name, Hash)
  }

  sortedSet(name: string): SortedSet | undefined {
    return this.#instance(name, SortedSet)
  }

  /** Sets what a key holds. It keeps its expiry, unless it is given another one. */
  set(name: string, value: Value, expiresAtMs?: number): void {
    const key = this.#find(name)
    if (key === undefined || expiresAtMs !== undefined)
      this.#keys.set(name, { value, expiresAtMs: expiresAtMs ?? Infinity })
    else key.value = value
  }

  delete(name: string): boolean {
    const exists = this.#find(name) !== undefined
    this.#keys.delete(name)
    return exists
  }

  clear(): void {
    this.#keys.clear()
  }

  expiresAtMs(name: string): number | undefined {
    return this.#find(name)?.expiresAtMs
  }

  expireAt(name: string, expiresAtMs: number): boolean {
    const key = this.#find(name)
    if (key === undefined) return false
    if (expiresAtMs <= this.nowMs) this.#keys.delete(name)
    key.expiresAtMs = expiresAtMs
    return true
  }

  #find(name: string): Key | undefined {
    const key = this.#keys.get(name)
    if (key === undefined || key.expiresAtMs >= this.nowMs) return key
    this.#keys.delete(name)
    return undefined
  }

  #instance<TValue extends Value>(
    name: string,
    type: abstract new (...args: never[]) => TValue,
  ): TValue | undefined {
    const value = this.get(name)
    if (value === undefined || value instanceof type) return value
    throw wrongType()
  }
}

function copyOf(value: Value): Value {
  if (typeof value === 'string') return value
  if (value instanceof Stream) return value.clone()
  return value instanceof Hash ? new Hash(value.fields) : new SortedSet(value.scores)
}
