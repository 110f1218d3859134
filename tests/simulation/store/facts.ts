import type { Trace } from '../trace.ts'

/** An event that was stored, as the oracle knows it. */
export interface StoredFact {
  readonly id: string
  /** The number that its publisher gave it. */
  readonly n: number
  readonly atMs: number
  /** How often the store had forgotten everything before. */
  readonly flushes: number
  /** How often the log had been emptied before. */
  readonly resets: number
  /** The failover that lost it, if one did: the first is 1. */
  lostAt: number
}

/** Where a log was at one moment. */
export interface LogMoment {
  /** How many events it had ever had. */
  readonly length: number
  /** The first one that was still retained; all of them are counted from 0. */
  readonly retainedFrom: number
  /** How often it had been emptied. */
  readonly resets: number
  /** How many failovers there had been. */
  readonly failovers: number
}

interface LogFacts {
  readonly events: StoredFact[]
  retain: number
  resetAt: number
  resets: number
  /** When it was emptied each time. */
  readonly resetTimesMs: number[]
  /** The first event that was retained when that was last looked at. */
  retainedFrom: number
  /** Where the log is retained from, until something changes. */
  moment: LogMoment | undefined
}

/** What became of all events, log by log, in the order of each log. */
export class Facts {
  readonly #trace: Trace
  readonly #logs = new Map<string, LogFacts>()
  #flushes = 0
  #failovers = 0

  constructor(trace: Trace) {
    this.#trace = trace
  }

  /** Whether this is a log of a room. Links have logs of their own. */
  isRoom(name: string): boolean {
    return this.#logs.has(name)
  }

  of(room: string): readonly StoredFact[] {
    return this.#open(room).events
  }

  /** When an event was deleted with its log; `Infinity` if it wasn't. */
  deletedAtMs(room: string, { resets }: StoredFact): number {
    return this.#open(room).resetTimesMs[resets] ?? Infinity
  }

  momentOf(room: string): LogMoment {
    const log = this.#open(room)
    // A failover may bring back what was trimmed. A gap for it may have been sent before.
    log.retainedFrom = Math.max(log.retainedFrom, retainedFrom(log))
    log.moment ??= {
      length: log.events.length,
      retainedFrom: log.retainedFrom,
      resets: log.resets,
      failovers: this.#failovers,
    }
    return log.moment
  }

  /** An event was stored; its log keeps so many, or as many as before. */
  stored(room: string, id: string, n: number, retain?: number): void {
    const log = this.#open(room)
    const { events, resets } = log
    log.retain = retain ?? log.retain
    log.moment = undefined
    const { nowMs: atMs } = this.#trace
    events.push({ id, n, atMs, flushes: this.#flushes, resets, lostAt: Infinity })
    log.retainedFrom = Math.max(log.retainedFrom, retainedFrom(log))
    this.#trace.add('store', `${room} stored ${n} as ${id}`)
  }

  /** The newest event is taken back, to be stored again under another id. */
  withdrawn(room: string): void {
    this.#open(room).events.pop()
  }

  /** A log was emptied, or has lost its proof that nothing was missed. */
  emptied(room: string, how: string): void {
    this.#reset(this.#open(room))
    this.#trace.add('store', `${room} ${how}`)
  }

  /** The store has forgotten everything. */
  flushed(): void {
    this.#flushes += 1
    for (const log of this.#logs.values()) this.#reset(log)
  }

  /** How many events each log has, to know later what came after. */
  lengths(): ReadonlyMap<string, number> {
    return new Map([...this.#logs].map(([room, { events }]) => [room, events.length]))
  }

  /** A failover has lost what was stored after these lengths. */
  failedOver(lengths: ReadonlyMap<string, number>): void {
    this.#failovers += 1
    for (const [room, log] of this.#logs) {
      const lost = log.events.slice(lengths.get(room) ?? 0)
      for (const event of lost) event.lostAt = Math.min(event.lostAt, this.#failovers)
      log.moment = undefined
      if (lost.length > 0)
        this.#trace.add('store', `${room} lost ${lost.map(({ n }) => n).join(', ')}`)
    }
  }

  /** How often any log was emptied. */
  get resets(): number {
    return this.#flushes + [...this.#logs.values()].reduce((sum, { resets }) => sum + resets, 0)
  }

  #reset(log: LogFacts): void {
    log.resetAt = log.events.length
    log.resets += 1
    log.resetTimesMs.push(this.#trace.nowMs)
    log.moment = undefined
  }

  #open(room: string): LogFacts {
    const existing = this.#logs.get(room)
    if (existing) return existing
    const log: LogFacts = {
      events: [],
      retain: Number.MAX_SAFE_INTEGER,
      resetAt: 0,
      resets: 0,
      resetTimesMs: [],
      retainedFrom: 0,
      moment: undefined,
    }
    this.#logs.set(room, log)
    return log
  }
}

function retainedFrom({ events, retain, resetAt }: LogFacts): number {
  let left = retain
  let at = events.length
  while (at > resetAt && left > 0) {
    at -= 1
    if (events[at]?.lostAt === Infinity) left -= 1
  }
  return at
}
