import { type EventId, maxLastEventIdLength, parseCompositeId, shortHash } from '@trpc-sse/protocol'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import type { ReadGroup } from '../hub/reads.ts'
import type { Feed, FeedPart, Gap } from './feed.ts'

/**
 * The most channels of one merged subscription: its ids, which name a position in each, must not become longer than
 * what is taken from a client. A hash has 11 characters, an event id up to 30.
 */
export const maxMerged: number = Math.floor(maxLastEventIdLength / 43)

/** One feed of many. */
interface Branch {
  readonly index: number
  readonly feed: Feed
  /** Names its log in a composite id, in which there is no room for a key. */
  readonly name: string
  /** Its position as part of a composite id; `undefined` until it is known. */
  text: string | undefined
  /** What it has, and when that was stored. */
  head: FeedEvent | Gap | undefined
  headMs: number
}

/**
 * Reads many feeds as one. Each keeps its order; between two that both have an event, the one stored earlier goes
 * first. An id is the position in all of them. A feed that the id to resume from doesn't know starts afresh.
 *
 * An event costs what the feeds do that have something new, and an id as long as there are feeds.
 */
export function mergeFeeds(
  parts: readonly FeedPart[],
  lastEventId: string | undefined,
  wake: () => void,
  group: ReadGroup,
): Feed {
  return new MergedFeed(parts, lastEventId, wake, group)
}

const noHead = { text: undefined, head: undefined, headMs: 0 }

class MergedFeed implements Feed {
  readonly #group: ReadGroup
  readonly #branches = new Map<string, Branch>()
  /** Those that may have something new. */
  readonly #awake: Set<Branch>
  /** Those that have an event or a gap. */
  readonly #ready = new Set<Branch>()
  /** Those whose position isn't known yet. */
  readonly #unplaced: Set<Branch>
  /** The position in all of them, while it is up to date. */
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
    this.#unplaced = new Set(this.#branches.values())
  }

  #awaken(name: string, wake: () => void): void {
    const branch = this.#branches.get(name)
    if (branch) this.#awake.add(branch)
    wake()
  }

  position(): string | undefined {
    for (const branch of this.#unplaced) this.#place(branch, branch.feed.position())
    if (this.#unplaced.size > 0) return undefined
    this.#id ??= Array.from(this.#branches.values(), ({ text }) => text).join(',')
    return this.#id
  }

  next(): FeedEvent | Gap | undefined {
    // Until every feed knows where it starts there is no id to give.
    const before = this.position()
    if (before === undefined) return undefined
    for (const branch of this.#awake) this.#look(branch)
    const branch = this.#first()
    const head = branch?.head
    if (branch === undefined || head === undefined) return undefined
    const lastEventId = this.position() ?? before
    this.#ready.delete(branch)
    this.#awake.add(branch)
    branch.head = undefined
    this.#place(branch, head.kind === 'gap' ? head.position : head.id)
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

  close(): void {
    for (const { feed } of this.#branches.values()) feed.close()
  }

  #place(branch: Branch, position: EventId | undefined): void {
    if (position === undefined) return
    this.#unplaced.delete(branch)
    const text = `${branch.name}=${position}`
    if (text === branch.text) return
    branch.text = text
    this.#id = undefined
  }

  /** Takes what a feed has. Without anything, it may have moved past events that are left out. */
  #look(branch: Branch): void {
    const before = branch.feed.position()
    const head = branch.feed.next()
    // A feed that isn't read for now doesn't call when it could be.
    if (head !== undefined || this.#group.canRead()) this.#awake.delete(branch)
    this.#place(branch, head === undefined ? branch.feed.position() : before)
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
    // Decoded where the value is kept for all who read the event.
    if (this.#needsValues) eventValue(head)
    const { data, codec, decoded } = head
    return { kind: 'event', id, data, codec, decoded, frame: undefined }
  }
}
