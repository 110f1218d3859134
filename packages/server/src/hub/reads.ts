import { detached } from '../user-code/async-context.ts'
import { FairQueue } from './fair-queue.ts'

/** How many reads of logs a process has under way at a time. The others wait for their turn. */
export interface ReadLimits {
  /** In all, a whole number. */
  readonly perProcess: number
  /** Of one log, a whole number. */
  readonly perLog: number
}

/** On whose behalf logs are read: a connection, or somebody who iterates. Groups take turns. */
export interface ReadGroup {
  /** Whether it can take what a read brings. */
  canRead(): boolean
  /** Takes one more channel to read. Throws `TOO_MANY_CHANNELS`. */
  enter(): void
  /** Gives back what `enter` took. */
  leave(): void
  /** Waits for the turn to load a snapshot; `undefined` if it is now. */
  turn(signal: AbortSignal): Promise<void> | undefined
}

/** A group of its own, which can always read; it loads snapshots in the given turns. */
export function createReadGroup(turn: ReadGroup['turn'] = unlimited.turn): ReadGroup {
  // An object of its own, over functions that all share.
  return { ...unlimited, turn }
}

const unlimited: ReadGroup = {
  canRead: () => true,
  enter() {},
  leave() {},
  turn: () => undefined,
}

/** One read that waits for its turn. */
export interface Read {
  readonly group: ReadGroup
  /** The key of the log. */
  readonly log: string
  /** Whether somebody waits for it, and has room for it. Asked when its turn has come. */
  isWanted(): boolean
  /** Does it. Never rejects. */
  start(): Promise<void>
  /** Called instead of `start` where it isn't wanted. */
  dropped(): void
}

/**
 * The reads of a process: few at a time. Groups take turns, and so do logs that have more readers than places: whoever
 * has much to read, of one log or of many, doesn't hold up the others.
 */
export class Reads {
  readonly #limits: ReadLimits
  readonly #ready = new FairQueue<ReadGroup, Read>()
  /** Those that had their turn while their log had no place. */
  readonly #parked = new Map<string, FairQueue<ReadGroup, Read>>()
  /** Logs that have a place again, and parked reads. */
  readonly #open = new Set<string>()
  /** How many reads are under way, by log. */
  readonly #places = new Map<string, number>()
  #underWay = 0
  #isDispatching = false
  #isTurnOfParked = false

  constructor(limits: ReadLimits) {
    this.#limits = limits
  }

  /** Starts a read as soon as it is its turn. */
  add(read: Read): void {
    this.#ready.push(read)
    this.#dispatch()
  }

  /** Takes out a read that hasn't started. */
  delete(read: Read): void {
    if (this.#ready.delete(read)) return
    const parked = this.#parked.get(read.log)
    if (parked?.delete(read)) this.#tidy(read.log, parked)
  }

  #dispatch(): void {
    if (this.#isDispatching) return
    this.#isDispatching = true
    while (this.#underWay < this.#limits.perProcess) {
      this.#isTurnOfParked = !this.#isTurnOfParked
      const hadTurn = this.#isTurnOfParked
        ? this.#startParked() || this.#startReady()
        : this.#startReady() || this.#startParked()
      if (!hadTurn) break
    }
    this.#isDispatching = false
  }

  /** Starts the next ready read whose log has a place, and parks those before it. Returns whether there was one. */
  #startReady(): boolean {
    for (let read = this.#ready.take(); read !== undefined; read = this.#ready.take()) {
      if (!read.isWanted()) read.dropped()
      else if (this.#parked.has(read.log) || !this.#hasPlace(read.log)) this.#park(read)
      else {
        this.#start(read)
        return true
      }
    }
    return false
  }

  /** Gives the next log that has a place, and parked reads, its turn. Returns whether there was one. */
  #startParked(): boolean {
    for (const log of this.#open) {
      this.#open.delete(log)
      const parked = this.#parked.get(log)
      const read = parked?.take()
      if (parked) this.#tidy(log, parked)
      if (read?.isWanted()) this.#start(read)
      else read?.dropped()
      this.#reopen(log)
      return true
    }
    return false
  }

  #start(read: Read): void {
    // It serves others too, and the next one to start doesn't belong to its reader.
    void detached(() => this.#run(read))
  }

  async #run(read: Read): Promise<void> {
    this.#underWay += 1
    this.#places.set(read.log, (this.#places.get(read.log) ?? 0) + 1)
    await read.start()
    this.#underWay -= 1
    const left = (this.#places.get(read.log) ?? 1) - 1
    if (left > 0) this.#places.set(read.log, left)
    else this.#places.delete(read.log)
    this.#reopen(read.log)
    this.#dispatch()
  }

  #hasPlace(log: string): boolean {
    return (this.#places.get(log) ?? 0) < this.#limits.perLog
  }

  #park(read: Read): void {
    const parked = this.#parked.get(read.log) ?? new FairQueue()
    this.#parked.set(read.log, parked)
    parked.push(read)
  }

  #reopen(log: string): void {
    if (this.#parked.has(log) && this.#hasPlace(log)) this.#open.add(log)
  }

  #tidy(log: string, parked: FairQueue<ReadGroup, Read>): void {
    if (!parked.isEmpty) return
    this.#parked.delete(log)
    this.#open.delete(log)
  }
}

/** Does one read when it is its turn. Rejects with what it rejects with, or with the signal's reason as soon as that aborts. */
export function readInTurn<TResult>(
  reads: Reads,
  { log, group, signal }: { log: string; group: ReadGroup; signal?: AbortSignal },
  work: () => Promise<TResult>,
): Promise<TResult> {
  return new Promise((resolve, reject) => {
    const read: Read = {
      log,
      group,
      isWanted: () => signal?.aborted !== true,
      dropped: () => reject(signal?.reason),
      async start() {
        try {
          resolve(await work())
        } catch (error) {
          reject(error)
        }
        signal?.removeEventListener('abort', leave)
      },
    }
    const leave = (): void => {
      reads.delete(read)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', leave, { once: true })
    reads.add(read)
  })
}
