import type { Clock } from '@trpc-sse/protocol'
import type { Device, DeviceEvent } from '../stream/device.ts'
import type { PersistStorage, Positions } from './positions.ts'

/** The options of persisted positions. */
export interface PersistedPositionsOptions {
  readonly clock: Clock
  readonly device: Device
  readonly storage: PersistStorage
  /** The server that the positions belong to. */
  readonly url: string
  readonly forMs: number
  /**
   * Passed in, because bundlers put a module that the link and this file import in another chunk.
   */
  readonly hash: (text: string) => string
}

/** The number of subscriptions that are kept (those that moved last), and the longest id. */
const maxPositions = 100
const longestPosition = 1_024
/**
 * How long a change may wait before it is written, in milliseconds. When the page is left, it is
 * written at once.
 */
const writeDelayMs = 500

type Kept = readonly [key: string, lastEventId: string, atMs: number]

/**
 * Keeps positions in a storage, with few writes and bounded size. A storage that fails, or has
 * other contents, does no harm.
 */
export class PersistedPositions implements Positions {
  readonly #options: PersistedPositionsOptions
  readonly #name: string
  readonly #current = new Map<string, string>()
  /** Changes that are not written yet. */
  readonly #changes = new Map<string, Kept | undefined>()
  #cancel: (() => void) | undefined
  #unlisten: (() => void) | undefined

  constructor(options: PersistedPositionsOptions) {
    this.#options = options
    this.#name = `trpc-sse:${options.hash(options.url)}`
  }

  load(identity: string): string | undefined {
    const key = this.#options.hash(identity)
    const kept = this.#changes.has(key)
      ? this.#changes.get(key)
      : this.#read().find(([one]) => one === key)
    return kept?.[1]
  }

  save(identity: string, id: string | undefined): void {
    const { clock, device, hash } = this.#options
    const key = hash(identity)
    if (id === undefined || id.length > longestPosition) {
      this.#current.delete(key)
      this.#change(key, undefined)
    } else {
      this.#current.set(key, id)
      this.#change(key, id)
    }
    // Listen only while there is something to write, so that an idle client leaves no listener
    // behind.
    this.#unlisten ??= device.listen((event) => this.#onDevice(event))
    this.#cancel ??= clock.after(writeDelayMs, () => this.#write())
  }

  #read(): Kept[] {
    const { clock, storage, forMs } = this.#options
    try {
      const value: readonly unknown[] = JSON.parse(storage.getItem(this.#name) ?? '[]')
      return value.filter(isKept).filter(([, , atMs]) => atMs > clock.now() - forMs)
    } catch {
      // Access is forbidden, or other code wrote the value: start without positions.
      return []
    }
  }

  #write(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#current.size === 0) {
      this.#unlisten?.()
      this.#unlisten = undefined
    }
    if (this.#changes.size === 0) return
    const others = this.#read().filter(([key]) => !this.#changes.has(key))
    const all = [...others, ...this.#changes.values()].filter((kept) => kept !== undefined)
    this.#changes.clear()
    this.#store(all)
  }

  #store(all: readonly Kept[]): void {
    const { storage } = this.#options
    try {
      if (all.length === 0) storage.removeItem(this.#name)
      else storage.setItem(this.#name, JSON.stringify(all.slice(-maxPositions)))
    } catch {
      // The storage is full or forbidden: after a reload, subscriptions start like new ones.
    }
  }

  #change(key: string, id: string | undefined): void {
    this.#changes.delete(key)
    this.#changes.set(key, id === undefined ? undefined : [key, id, this.#options.clock.now()])
  }

  #onDevice(event: DeviceEvent): void {
    if (event !== 'left' && event !== 'hidden') return
    // A position that hasn't moved for a long time is still valid now: renew its time.
    for (const [key, id] of this.#current) this.#change(key, id)
    this.#write()
  }
}

function isKept(value: unknown): value is Kept {
  const [key, lastEventId, atMs]: readonly unknown[] = Array.isArray(value) ? value : []
  return typeof key === 'string' && typeof lastEventId === 'string' && typeof atMs === 'number'
}
