import { type EntrySize, listpackOverhead, sizeOfEntry } from './listpack.ts'
import { CommandError } from './reply.ts'

/** The id of an entry. */
export interface StreamId {
  readonly ms: number
  readonly seq: number
}

/** An entry of a stream: its fields and values alternate. */
export interface StreamEntry extends StreamId {
  readonly fields: readonly string[]
}

/** How a stream is trimmed. */
export interface Trim {
  readonly by: { readonly maxLength: number } | { readonly minId: StreamId }
  /** Whole blocks only. */
  readonly isApproximate: boolean
  /** How many entries are dropped at most. */
  readonly limit: number
}

/** A block of entries, as Redis keeps them together. */
interface Block {
  entries: StreamEntry[]
  /** Deleted entries stay in the block until it is gone. */
  deleted: number
  bytes: number
  readonly masterFields: readonly string[]
  readonly masterId: StreamId
  /** The id of its newest entry, deleted or not. */
  lastId: StreamId
}

const entriesPerBlock = 100
const bytesPerBlock = 4_096
/** How many entries an approximate trim drops at most. */
export const approximateLimit: number = 100 * entriesPerBlock

/** A stream of Redis, in its blocks: what an approximate trim drops depends on them. */
export class Stream {
  #blocks: Block[] = []
  #length = 0
  #lastId: StreamId = { ms: 0, seq: 0 }

  get length(): number {
    return this.#length
  }

  clone(): Stream {
    const copy = new Stream()
    copy.#blocks = this.#blocks.map((block) => ({ ...block, entries: [...block.entries] }))
    copy.#length = this.#length
    copy.#lastId = this.#lastId
    return copy
  }

  /** The id of an entry that is added at this time. */
  nextId(nowMs: number): StreamId {
    const { ms, seq } = this.#lastId
    return nowMs > ms ? { ms: nowMs, seq: 0 } : { ms, seq: seq + 1 }
  }

  add(id: StreamId, fields: readonly string[]): void {
    if (compareIds(id, this.#lastId) <= 0)
      throw new CommandError(
        'ERR The ID specified in XADD is equal or smaller than the target stream top item',
      )
    const block = this.#blockFor(id, fields)
    block.entries.push({ ...id, fields })
    block.bytes += sizeOfEntry(sizeArguments(block, id, fields))
    block.lastId = id
    this.#lastId = id
    this.#length += 1
  }

  #blockFor(id: StreamId, fields: readonly string[]): Block {
    const last = this.#blocks.at(-1)
    const bytes = fields.reduce((sum, { length }) => sum + length, 0)
    if (last && last.bytes + bytes < bytesPerBlock && countOf(last) < entriesPerBlock) return last
    const masterFields = fields.filter((_, i) => i % 2 === 0)
    const block: Block = {
      entries: [],
      deleted: 0,
      bytes: listpackOverhead(masterFields),
      masterFields,
      masterId: id,
      lastId: id,
    }
    this.#blocks.push(block)
    return block
  }

  /** Deletes an entry; returns whether there was one. */
  delete(id: StreamId): boolean {
    for (const block of this.#blocks) {
      const at = block.entries.findIndex((entry) => compareIds(entry, id) === 0)
      if (at < 0) continue
      block.entries.splice(at, 1)
      block.deleted += 1
      this.#length -= 1
      if (block.entries.length === 0) this.#blocks = this.#blocks.filter((each) => each !== block)
      return true
    }
    return false
  }

  /** Drops old entries; returns how many. */
  trim({ by, isApproximate, limit }: Trim): number {
    let dropped = 0
    for (;;) {
      const [block] = this.#blocks
      if (block === undefined || this.#isShortEnough(by)) return dropped
      const { length } = block.entries
      if (limit > 0 && dropped + length > limit) return dropped
      if (this.#dropsAll(block, by)) {
        this.#blocks.shift()
        this.#length -= length
        dropped += length
        continue
      }
      return isApproximate ? dropped : dropped + this.#trimBlock(block, by)
    }
  }

  #isShortEnough(by: Trim['by']): boolean {
    return 'maxLength' in by && this.#length <= by.maxLength
  }

  #dropsAll(block: Block, by: Trim['by']): boolean {
    if ('maxLength' in by) return this.#length - block.entries.length >= by.maxLength
    return compareIds(block.lastId, by.minId) < 0
  }

  #trimBlock(block: Block, by: Trim['by']): number {
    const kept =
      'maxLength' in by
        ? this.#length - by.maxLength
        : block.entries.findIndex((entry) => compareIds(entry, by.minId) >= 0)
    const count = kept < 0 ? block.entries.length : kept
    block.entries.splice(0, count)
    block.deleted += count
    this.#length -= count
    return count
  }

  /** Up to `count` entries from one id to another, both included. */
  range(from: StreamId, to: StreamId, count: number): StreamEntry[] {
    const found: StreamEntry[] = []
    for (const block of this.#blocks) {
      if (compareIds(block.lastId, from) < 0) continue
      for (const entry of block.entries) {
        if (found.length >= count || compareIds(entry, to) > 0) return found
        if (compareIds(entry, from) >= 0) found.push(entry)
      }
    }
    return found
  }

  /** The same, from the newest on. */
  reverseRange(to: StreamId, from: StreamId, count: number): StreamEntry[] {
    const found: StreamEntry[] = []
    for (const { entries } of this.#blocks.toReversed())
      for (let i = entries.length - 1; i >= 0; i--) {
        const entry = entries[i]
        if (entry === undefined || compareIds(entry, to) > 0) continue
        if (found.length >= count || compareIds(entry, from) < 0) return found
        found.push(entry)
      }
    return found
  }
}

export function compareIds(one: StreamId, other: StreamId): number {
  return one.ms === other.ms ? one.seq - other.seq : one.ms - other.ms
}

function countOf({ entries, deleted }: Block): number {
  return entries.length + deleted
}

function sizeArguments(block: Block, id: StreamId, fields: readonly string[]): EntrySize {
  const { masterFields, masterId } = block
  const names = fields.filter((_, i) => i % 2 === 0)
  const isSame =
    names.length === masterFields.length && names.every((name, i) => name === masterFields[i])
  return { fields, isSame, msDiff: id.ms - masterId.ms, seqDiff: id.seq - masterId.seq }
}
