import { type Clock, shortHash } from '@trpc-sse/protocol'
import type { Device, DeviceEvent } from '../stream/device.ts'

/** A place for text that outlives the page: `sessionStorage`, `localStorage`, or anything of that shape. */
export interface PersistStorage {
  getItem(name: string): string | null
  setItem(name: string, value: string): void
  removeItem(name: string): void
}

/** Where subscriptions stand, by their identity. */
export interface Positions {
  /** Where one stood, in this page or the one before. */
  load(identity: string): string | undefined
  /** Notes where one stands; `undefined` forgets it. */
  save(identity: string, lastEventId: string | undefined): void
}

/** What positions are kept with. */
export interface PositionsOptions {
  readonly clock: Clock
  readonly device: Device
  readonly storage: PersistStorage
  /** Of which server they are. */
  readonly url: string
  readonly forMs: number
}

/** No more subscriptions than that are kept, those that moved last; nor an id that is longer. */
const mostPositions = 100
const longestPosition = 1_024
/** How long a change may wait until it is written, in milliseconds. When the page is left it is written at once. */
const writeDelayMs = 500

type Kept = readonly [key: string, lastEventId: string, atMs: number]

/** Keeps nothing. */
export const noPositions: Positions = { load: () => undefined, save() {} }

/** Keeps positions in a storage: few writes, bounded, and harmless whatever the storage does or has in it. */
export function createPositions({
  clock,
  device,
  storage,
  url,
  forMs,
}: PositionsOptions): Positions {
  const name = `trpc-sse:${shortHash(url)}`
  const current = new Map<string, string>()
  const changes = new Map<string, Kept | undefined>()
  let cancel: (() => void) | undefined
  let unlisten: (() => void) | undefined

  function read(): Kept[] {
    try {
      const value: readonly unknown[] = JSON.parse(storage.getItem(name) ?? '[]')
      return value.filter(isKept).filter(([, , atMs]) => atMs > clock.now() - forMs)
    } catch {
      // Not allowed, or somebody else's: nothing is kept then.
      return []
    }
  }

  function write(): void {
    cancel?.()
    cancel = undefined
    if (current.size === 0) {
      unlisten?.()
      unlisten = undefined
    }
    if (changes.size === 0) return
    const others = read().filter(([key]) => !changes.has(key))
    const all = [...others, ...changes.values()].filter((kept) => kept !== undefined)
    changes.clear()
    try {
      if (all.length === 0) storage.removeItem(name)
      else storage.setItem(name, JSON.stringify(all.slice(-mostPositions)))
    } catch {
      // No room, or not allowed: then a reload starts anew.
    }
  }

  function note(key: string, id: string | undefined): void {
    changes.delete(key)
    changes.set(key, id === undefined ? undefined : [key, id, clock.now()])
  }

  function onDevice(event: DeviceEvent): void {
    if (event !== 'left' && event !== 'hidden') return
    // What has stood still for long is as good as new while the page was there.
    for (const [key, id] of current) note(key, id)
    write()
  }

  return {
    load(identity) {
      const key = shortHash(identity)
      const kept = changes.has(key) ? changes.get(key) : read().find(([one]) => one === key)
      return kept?.[1]
    },
    save(identity, id) {
      const key = shortHash(identity)
      if (id === undefined || id.length > longestPosition) {
        current.delete(key)
        note(key, undefined)
      } else {
        current.set(key, id)
        note(key, id)
      }
      // Only while there is something to write: a client that is done leaves no listener behind.
      unlisten ??= device.listen(onDevice)
      cancel ??= clock.after(writeDelayMs, write)
    },
  }
}

function isKept(value: unknown): value is Kept {
  const [key, lastEventId, atMs]: readonly unknown[] = Array.isArray(value) ? value : []
  return typeof key === 'string' && typeof lastEventId === 'string' && typeof atMs === 'number'
}
