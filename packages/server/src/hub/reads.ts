import { detached } from '../user-code/async-context.ts'
import { FairQueue } from './fair-queue.ts'

/** How many reads of logs a process runs at a time. Other reads wait for their turn. */
export interface ReadLimits {
  /** In all: a whole number, 1 or more. */
  readonly perProcess: number
  /** Of one log: a whole number, 1 or more. */
  readonly perLog: number
}

/** The owner of reads: a connection, an iteration, or a call of `history`. Groups take turns. */
export interface ReadGroup {
  /** Whether it has room for the result of a read. */
  canRead(): boolean
  /** Counts one more channel that it reads. Throws `TOO_MANY_CHANNELS`. */
  enter(): void
  /** Undoes an `enter`. */
  leave(): void
  /** Waits for the turn to load a snapshot; `undefined` if it is now. */
  turn(signal: AbortSignal): Promise<void> | undefined
}

/** Creates a group that can always read. It loads snapshots in the given turns. */
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

/** A read that waits for its turn. */
export interface Read {
  readonly group: ReadGroup
  /** The key of the log. */
  readonly log: string
  /** Whether its result is still needed, and there is room for it. Asked at its turn. */
  isWanted(): boolean
  /** Reads. Never rejects. */
  start(): Promise<void>
  /** Called at its turn instead of `start` if it isn't wanted. */
  onDropped(): void
}

/**
 * Runs the reads of a process, a few at a time. Groups take turns, and so do logs that have reached
 * their limit. A group with many reads, of one log or of many, doesn't delay the others.
 */
export class Reads {
  readonly #limits: ReadLimits
  readonly #ready = new FairQueue<ReadGroup, Read>()
  /** Reads that had their turn while their log was at its limit. */
  readonly #parked = new Map<string, FairQueue<ReadGroup, Read>>()
  /** Logs below their limit that have parked reads. */
  readonly #open = new Set<string>()
  /** How many reads are running, by log. */
  readonly #running = new Map<string, number>()
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
   * Starts the next ready read whose log is below its limit, and parks those before it. Returns
   * whether it found one.
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

  /** Gives the next log with parked reads its turn. Returns whether it found one. */
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
    // Its result serves other groups too, and its end starts reads of other groups.
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

/** Runs one read at its turn. Rejects with its error, or at once when the signal aborts. */
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
