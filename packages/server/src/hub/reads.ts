import { detached } from '../user-code/async-context.ts'
import { FairQueue } from './fair-queue.ts'

/** The maximum numbers of concurrent log reads in a process. Other reads wait for their turn. */
export interface ReadLimits {
  /** The maximum for the whole process: a whole number, 1 or more. */
  readonly perProcess: number
  /** The maximum for one log: a whole number, 1 or more. */
  readonly perLog: number
}

/** The owner of reads: a connection, an iteration, or a call of `history`. Groups take turns. */
export interface ReadGroup {
  /** Whether the group has room for the result of a read. */
  canRead(): boolean
  /** Counts one more channel that the group reads. Throws `TOO_MANY_CHANNELS`. */
  enter(): void
  /** Undoes an `enter`. */
  leave(): void
  /** Waits for the group's turn to load a snapshot. Returns `undefined` if it can load now. */
  turn(signal: AbortSignal): Promise<void> | undefined
}

/** Creates a group that can always read. `turn` decides when it loads snapshots. */
export function createReadGroup(turn: ReadGroup['turn'] = unlimited.turn): ReadGroup {
  // A new object, as groups are compared by identity.
  return { ...unlimited, turn }
}

const unlimited: ReadGroup = {
  canRead: () => true,
  enter() {},
  leave() {},
  turn: () => undefined,
}

/** A read that is waiting for its turn. */
export interface Read {
  readonly group: ReadGroup
  /** The key of the log. */
  readonly log: string
  /**
   * Whether the result is still needed and there is room for it. Called when it is the read's turn.
   */
  isWanted(): boolean
  /** Runs the read. Never rejects. */
  start(): Promise<void>
  /** Called instead of `start` if the read isn't wanted at its turn. */
  onDropped(): void
}

/**
 * Runs the log reads of a process, a few at a time. Groups take turns, and so do logs that have
 * reached their limit. A group with many reads, of one log or of many, doesn't delay other groups.
 */
export class Reads {
  readonly #limits: ReadLimits
  readonly #ready = new FairQueue<ReadGroup, Read>()
  /** Reads whose turn came while their log was at its limit. */
  readonly #parked = new Map<string, FairQueue<ReadGroup, Read>>()
  /** Logs below their limit that have parked reads. */
  readonly #open = new Set<string>()
  /** The number of running reads, by log. */
  readonly #running = new Map<string, number>()
  #underWay = 0
  #isDispatching = false
  #isTurnOfParked = false

  constructor(limits: ReadLimits) {
    this.#limits = limits
  }

  /** Starts a read when it is the read's turn. */
  add(read: Read): void {
    this.#ready.push(read)
    this.#dispatch()
  }

  /** Removes a read that hasn't started. */
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

  /**
   * Starts the next ready read whose log is below its limit, and parks the reads before it. Returns
   * whether there was such a read.
   */
  #startReady(): boolean {
    for (let read = this.#ready.take(); read !== undefined; read = this.#ready.take()) {
      if (!read.isWanted()) read.onDropped()
      else if (this.#parked.has(read.log) || !this.#isBelowLimit(read.log)) this.#park(read)
      else {
        this.#start(read)
        return true
      }
    }
    return false
  }

  /** Gives the next log with parked reads its turn. Returns whether there was such a log. */
  #startParked(): boolean {
    for (const log of this.#open) {
      this.#open.delete(log)
      const parked = this.#parked.get(log)
      const read = parked?.take()
      if (parked) this.#tidy(log, parked)
      if (read?.isWanted()) this.#start(read)
      else read?.onDropped()
      this.#reopen(log)
      return true
    }
    return false
  }

  #start(read: Read): void {
    // Detached: the read's result serves other groups too, and its end starts reads of other
    // groups.
    void detached(() => this.#run(read))
  }

  async #run(read: Read): Promise<void> {
    this.#underWay += 1
    this.#running.set(read.log, (this.#running.get(read.log) ?? 0) + 1)
    await read.start()
    this.#underWay -= 1
    const left = (this.#running.get(read.log) ?? 1) - 1
    if (left > 0) this.#running.set(read.log, left)
    else this.#running.delete(read.log)
    this.#reopen(read.log)
    this.#dispatch()
  }

  #isBelowLimit(log: string): boolean {
    return (this.#running.get(log) ?? 0) < this.#limits.perLog
  }

  #park(read: Read): void {
    const parked = this.#parked.get(read.log) ?? new FairQueue()
    this.#parked.set(read.log, parked)
    parked.push(read)
  }

  #reopen(log: string): void {
    if (this.#parked.has(log) && this.#isBelowLimit(log)) this.#open.add(log)
  }

  #tidy(log: string, parked: FairQueue<ReadGroup, Read>): void {
    if (!parked.isEmpty) return
    this.#parked.delete(log)
    this.#open.delete(log)
  }
}

/** Runs one read at its turn. Rejects with the read's error, or as soon as the signal aborts. */
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
      onDropped: () => reject(signal?.reason),
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
