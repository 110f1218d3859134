import type { Codec } from '../set/observer.ts'
import type { SetOptions } from '../set/set.ts'
import type { TabsEnvironment } from './environment.ts'
import type { TabsTools } from './tools.ts'
import { createVisitor, type Visitor } from './follower-session.ts'

/** What a host serves guests with. */
export interface HostOptions {
  readonly environment: TabsEnvironment
  readonly tools: TabsTools
  /** Of the tab that it lives in: its requests are made as that tab's. */
  readonly settings: SetOptions
  readonly codec: Codec
  /** Names it among all hosts that there ever are. */
  readonly id: string
}

/** Has the stream for all tabs of a group, its own included. */
export interface Host {
  /** Serves a guest, by the name of its stream; if that is served already, says so. */
  open(name: string, body: string): void
  /** Whether it serves anybody. */
  isServing(): boolean
  /** Resigns. */
  close(): void
}

/** Creates a host without a guest. It has a stream while its guests want something. */
export function createHost({ settings, id, ...options }: HostOptions): Host {
  const visitors = new Map<string, Visitor>()
  let isKnown = false
  const set = options.tools.createSet({
    ...settings,
    positions: { load: () => undefined, save() {} },
    // The guests' own sets linger. And where this page is hidden, another one may not be.
    lingerMs: 0,
    hiddenTimeoutMs: Infinity,
    onUnknown() {},
    onKnown() {},
    async fetch(url, init) {
      const response = await settings.fetch(url, init)
      if (response.ok) known()
      return response
    },
  })

  /** The server knows this mode: before that, guests may have to be told to do without. */
  function known(): void {
    isKnown = true
    for (const visitor of visitors.values()) visitor.open()
  }

  return {
    open(name, body) {
      const there = visitors.get(name)
      if (there) return there.greet()
      const onOver = (): void => void visitors.delete(name)
      const visitor = createVisitor({
        ...options,
        clock: settings.clock,
        set,
        host: id,
        name,
        onOver,
      })
      visitors.set(name, visitor)
      visitor.greet()
      visitor.apply(body)
      if (isKnown) visitor.open()
    },
    isServing: () => visitors.size > 0,
    close() {
      for (const visitor of [...visitors.values()]) visitor.close()
    },
  }
}
