import { type EventId, maxLastEventIdLength, parseCompositeId, shortHash } from '@trpc-sse/protocol'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import type { ReadGroup } from '../hub/reads.ts'
import type { EventFeed, Feed, FeedPart, Gap, ReaderState } from './feed.ts'

/**
 * The maximum number of channels in one merged subscription. An id contains a position in each
 * channel, and must not be longer than an id that a client may send. Each position has up to 43
 * characters: a hash of 11, an event id of up to 30, and two separators.
 */
export const maxMerged: number = Math.floor(maxLastEventIdLength / 43)

/** One feed of many. */
interface Branch {
  readonly index: number
  readonly feed: Feed
  /** The hash of the log's key, which identifies the log in a composite id. */
  readonly name: string
  /** The feed's position as part of a composite id; `undefined` until the position is known. */
  text: string | undefined
  /** The feed's next item; `undefined` if there is none. */
  head: FeedEvent | Gap | undefined
  /** The time at which that item was stored; 0 for a gap. */
  headMs: number
}

/**
 * Reads many feeds as one. Each feed keeps its order. If two feeds both have an event, the event
 * that was stored earlier comes first. Each id contains the position in all feeds. After a resume,
 * a feed that isn't in the id starts where its options say.
 *
 * The cost of an event depends on the number of feeds with new items. Only the length of its id
 * depends on the number of all feeds.
 */
export function mergeFeeds(
  parts: readonly FeedPart[],
  lastEventId: string | undefined,
  wake: () => void,
  group: ReadGroup,
): EventFeed {
  return new MergedFeed(parts, lastEventId, wake, group)
}

const noHead = { text: undefined, head: undefined, headMs: 0 }

class MergedFeed implements EventFeed {
  readonly #group: ReadGroup
  readonly #branches = new Map<string, Branch>()
  /** Branches that may have a new item. */
  readonly #awake: Set<Branch>
  /** Branches whose `head` is an event or a gap. */
  readonly #ready = new Set<Branch>()
  /** Branches whose position isn't known yet. */
  readonly #starting: Set<Branch>
  /** The cached composite id; `undefined` after a position has changed. */
  #id: string | undefined
  #needsValues = false

  constructor(
    parts: readonly FeedPart[],
    lastEventId: string | undefined,
    wake: () => void,
    group: ReadGroup,
  ) {
    const resume =
      lastEventId === undefined ? new Map<string, EventId>() : parseCompositeId(lastEventId)
    this.#group = group
    try {
      for (const { key, open } of parts) {
        const name = shortHash(key)
        const feed = open(resume.get(name), () => this.#awaken(name, wake), group)
        this.#branches.set(name, { index: this.#branches.size, feed, name, ...noHead })
      }
    } catch (error) {
      this.close()
      throw error
    }
    this.#awake = new Set(this.#branches.values())
    this.#starting = new Set(this.#branches.values())
  }

  #awaken(name: string, wake: () => void): void {
    const branch = this.#branches.get(name)
    if (branch) this.#awake.add(branch)
    wake()
  }

  position(): string | undefined {
    for (const branch of this.#starting) this.#setPosition(branch, branch.feed.position())
    if (this.#starting.size > 0) return undefined
    this.#id ??= Array.from(this.#branches.values(), ({ text }) => text).join(',')
    return this.#id
  }

  next(): FeedEvent | Gap | undefined {
    // The first id needs the position of every feed.
    const before = this.position()
    if (before === undefined) return undefined
    for (const branch of this.#awake) this.#refill(branch)
    const branch = this.#first()
    const head = branch?.head
    if (branch === undefined || head === undefined) return undefined
    const lastEventId = this.position() ?? before
    this.#ready.delete(branch)
    this.#awake.add(branch)
    branch.head = undefined
    this.#setPosition(branch, head.kind === 'gap' ? head.position : head.id)
    return this.#merged(head, lastEventId)
  }

  needValues(): void {
    this.#needsValues = true
    for (const { feed } of this.#branches.values()) feed.needValues()
  }

  isTooFarBehind(): boolean {
    for (const { feed } of this.#branches.values()) if (feed.isTooFarBehind()) return true
    return false
  }

  readers(): readonly ReaderState[] {
    return Array.from(this.#branches.values(), ({ feed }) => feed.readers()).flat()
  }

  close(): void {
    for (const { feed } of this.#branches.values()) feed.close()
  }

  #setPosition(branch: Branch, position: EventId | undefined): void {
    if (position === undefined) return
    this.#starting.delete(branch)
    const text = `${branch.name}=${position}`
    if (text === branch.text) return
    branch.text = text
    this.#id = undefined
  }

  /**
   * Takes the next item of a branch's feed. Even without an item, the feed may have moved past
   * filtered events.
   */
  #refill(branch: Branch): void {
    // A branch may wake again before its item was taken, because items wait under backpressure.
    if (branch.head !== undefined) {
      this.#awake.delete(branch)
      return
    }
    const before = branch.feed.position()
    const item = branch.feed.next()
    // Only runs have an end, and they can't be merged.
    const head = item?.kind === 'end' ? undefined : item
    // A feed that couldn't read because of backpressure doesn't call `wake` later, so it stays
    // awake.
    if (head !== undefined || this.#group.canRead()) this.#awake.delete(branch)
    this.#setPosition(branch, head === undefined ? branch.feed.position() : before)
    if (head === undefined) return
    branch.head = head
    branch.headMs = head.kind === 'gap' ? 0 : Number.parseInt(head.id, 10)
    this.#ready.add(branch)
  }

  #first(): Branch | undefined {
    let first: Branch | undefined
    for (const branch of this.#ready) {
      const isEarlier = first === undefined || branch.headMs < first.headMs
      const isTie = first !== undefined && branch.headMs === first.headMs
      if (isEarlier || (isTie && branch.index < (first?.index ?? 0))) first = branch
    }
    return first
  }

  #merged(head: FeedEvent | Gap, lastEventId: string): FeedEvent | Gap {
    const id = this.position() ?? lastEventId
    if (head.kind === 'gap')
      return { kind: 'gap', lastEventId, position: id, reason: head.reason, report: head.report }
    // Decode the shared event, so that other readers can use the value too.
    if (this.#needsValues) eventValue(head)
    const { data, codec, decoded } = head
    return { kind: 'event', id, data, codec, decoded, frame: undefined }
  }
}
