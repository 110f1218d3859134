import { compareEventIds } from '@trpc-sse/server'
import type { Follow, Told } from './follow.ts'
import type { Facts, LogMoment, StoredFact } from './store/facts.ts'

/** A promise that was not kept. */
export interface Violation {
  /** Short, and the same for every occurrence. */
  readonly kind: string
  readonly text: string
  /** When it was seen. */
  readonly atMs: number
  /** Whose it is, as the trace names it: a client, or an instance. */
  readonly actor: string
  /** What the text is about: the name of a subscription, a room, an event. */
  readonly about: readonly string[]
}

/** Checks one subscription: each of its rooms by itself. */
export function checkFollow(follow: Follow, facts: Facts, lastMs: number): Violation[] {
  const found: Violation[] = []
  for (const room of follow.subscribed.rooms)
    found.push(...new RoomCheck(follow, room, facts.of(room), lastMs).run())
  return found
}

/** Follows what a handler was told of one room, beside the room's log. */
class RoomCheck {
  readonly #follow: Follow
  readonly #room: string
  readonly #facts: readonly StoredFact[]
  readonly #lastMs: number
  readonly #found: Violation[] = []
  /** The index of the event before the next one; `undefined` while it isn't known. */
  #position: number | undefined
  /** Gaps since the last event. */
  #gaps: Told[] = []
  #started: LogMoment | undefined
  constructor(follow: Follow, room: string, facts: readonly StoredFact[], lastMs: number) {
    this.#follow = follow
    this.#room = room
    this.#facts = facts
    this.#lastMs = lastMs
  }

  run(): Violation[] {
    for (const told of this.#follow.told) this.#take(told)
    if (this.#follow.isWanted) this.#end()
    return this.#found
  }

  #take(told: Told): void {
    if (told.kind === 'started') this.#started ??= told.moments.get(this.#room)
    else if (told.kind === 'resumed') this.#gaps = []
    else if (told.kind === 'gap') this.#takeGap(told)
    else if (told.kind === 'error' || told.kind === 'complete')
      this.#fail('ended', told, `it ended: ${told.kind} ${told.text}`)
    else if (told.kind === 'data' && told.room === this.#room) this.#takeEvent(told)
  }

  #takeGap(told: Told): void {
    const now = told.moments.get(this.#room)
    const isRepeated = this.#gaps.some(({ text }) => text === told.text)
    this.#gaps.push(told)
    // Which room of several it is about, nobody says.
    if (this.#follow.subscribed.rooms.length > 1 || !now) return
    const position = this.#position
    const lost =
      position === undefined ||
      position + 1 < now.retainedFrom ||
      this.#facts[position]?.resets !== now.resets ||
      this.#isForked(position, now)
    if (!lost) this.#fail('false gap', told, `a gap where nothing was lost: ${told.text}`)
    if (isRepeated) this.#fail('repeated gap', told, `one loss was reported twice: ${told.text}`)
  }

  #takeEvent(told: Told): void {
    const now = told.moments.get(this.#room)
    const from = this.#position ?? -1
    const index = this.#indexOf(told)
    if (this.#comesAgainAfterFailover(index, now)) {
      this.#position = index
      this.#gaps = []
      return
    }
    if (index <= from || !now) {
      this.#takeWrongEvent(told)
      return
    }
    const first = this.#position === undefined ? this.#firstExpected(told) : from + 1
    const missing = this.#wanted(first, index)
    const last = this.#gaps.at(-1)
    if (missing.length > 0) {
      const numbers = missing.map((i) => this.#facts[i]?.n).join(', ')
      if (!last) this.#fail('silent loss', told, `${numbers} never came, and no gap did`)
      else if (missing.some((i) => i >= now.retainedFrom && !this.#isBehindAny(i)))
        this.#fail('loss of the retained', told, `a gap, though ${numbers} were still retained`)
    } else if (!last && this.#isLost(this.#position, now) && !this.#isLost(index, now))
      this.#fail(
        'silent loss',
        told,
        `${told.n} came after an event that a failover lost, and no gap did`,
      )
    this.#position = index
    this.#gaps = []
  }

  /**
   * Whether an event that a failover has lost comes again after the gap for that: from an instance
   * that hasn't noticed the failover yet. Another gap follows.
   */
  #comesAgainAfterFailover(index: number, now: LogMoment | undefined): boolean {
    const isBehind = index >= 0 && index <= (this.#position ?? -1)
    return isBehind && this.#gaps.length > 0 && now !== undefined && this.#isLost(index, now)
  }

  /** Whether a failover has lost an event that may have been delivered. */
  #isForked(position: number, now: LogMoment): boolean {
    return this.#facts.slice(position, now.length).some((_, i) => this.#isLost(position + i, now))
  }

  #isLost(index: number | undefined, { failovers }: LogMoment): boolean {
    const lostAt = index === undefined ? undefined : this.#facts[index]?.lostAt
    return lostAt !== undefined && lostAt <= failovers
  }

  #takeWrongEvent(told: Told): void {
    const isKnown = this.#facts.some(({ n }) => n === told.n)
    this.#fail(
      isKnown ? 'repeat' : 'invention',
      told,
      isKnown ? `${told.n} came again, or late` : `${told.n} came, and was never stored`,
    )
  }

  /** An event that was published again with its key, after the store forgot it, is here twice. */
  #indexOf({ n, id = '' }: Told): number {
    return this.#facts.findIndex(
      (fact) => fact.n === n && (fact.id === id || `${id},`.includes(`=${fact.id},`)),
    )
  }

  /** Whether a gap says that an event is lost. */
  #isCovered(index: number, gap: Told | undefined): boolean {
    const from = gap?.moments.get(this.#room)?.retainedFrom ?? 0
    return index < from || this.#isBehindAny(index)
  }

  /**
   * Whether an event belongs to another log than the position, and has an id before it: the clock
   * of the store was set back when it lost everything. The gap covers it.
   */
  #isBehind(index: number, gap: Told): boolean {
    if (!gap.text.startsWith('reset')) return false
    // An id of several rooms doesn't show it.
    if (this.#follow.subscribed.path === 'merged') return true
    return compareEventIds(this.#facts[index]?.id ?? '', gap.id ?? '') < 0
  }

  /** Whether that is so for one of the gaps: those of other rooms come between. */
  #isBehindAny(index: number): boolean {
    return this.#gaps.some((gap) => this.#isBehind(index, gap))
  }

  /** The first index that a new subscription must not miss. */
  #firstExpected(told?: Told): number {
    if (this.#follow.subscribed.path === 'all') return this.#started?.retainedFrom ?? 0
    return this.#started?.length ?? (told ? this.#indexOf(told) : 0)
  }

  /** The indexes from one to another that the subscription doesn't filter out. */
  #wanted(from: number, to: number): number[] {
    const isEven = this.#follow.subscribed.path === 'even'
    const indexes: number[] = []
    for (let i = from; i < to; i++)
      if (this.#facts[i]?.lostAt === Infinity && (!isEven || (this.#facts[i]?.n ?? 0) % 2 === 0))
        indexes.push(i)
    return indexes
  }

  /** After the quiet time, a subscription that is wanted has everything. */
  #end(): void {
    const about = { atMs: this.#lastMs }
    const { length } = this.#facts
    const next = this.#position === undefined ? this.#firstExpected() : this.#position + 1
    if (!this.#started) this.#fail('silence', about, 'it never started')
    else if (this.#wanted(next, length).some((i) => !this.#isCovered(i, this.#gaps.at(-1))))
      this.#fail('silence', about, `the last event, ${this.#facts.at(-1)?.n}, never came`)
  }

  #fail(kind: string, { atMs }: Pick<Told, 'atMs'>, text: string): void {
    const { client, name } = this.#follow
    const actor = client
    const about = [name, this.#room]
    this.#found.push({ kind, text: `${client}, ${name}: ${text}`, atMs, actor, about })
  }
}
