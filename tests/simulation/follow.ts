import type { TRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import type { SseGap } from '@trpc-sse/client'
import type { LogMoment } from './store/facts.ts'
import type { Trace } from './trace.ts'

/** What a handler was told, with how far the logs were at that moment. */
export interface Told {
  readonly atMs: number
  readonly kind: 'started' | 'refused' | 'data' | 'gap' | 'resumed' | 'error' | 'complete'
  /** Of an event: its number, its room and its id. Of a gap: the id before it. */
  readonly n?: number
  readonly room?: string
  readonly id?: string
  readonly text: string
  readonly moments: ReadonlyMap<string, LogMoment>
}

/** What a subscription is of. */
export interface Subscribed {
  readonly path: 'room' | 'all' | 'even' | 'generated' | 'merged'
  readonly rooms: readonly string[]
}

/** What all follows of a world need. */
export interface FollowParts {
  readonly nowMs: () => number
  readonly momentOf: (room: string) => LogMoment
  readonly trace: Trace
}

/** A subscription for as long as the app wants it, reloads included, and all that it was told. */
export class Follow {
  readonly subscribed: Subscribed
  readonly client: string
  readonly name: string
  readonly input: object
  readonly told: Told[] = []
  isWanted = true
  lastEventId: string | undefined
  readonly #parts: FollowParts
  #unsubscribe = (): void => {}
  /** Handlers of a page that is gone call nobody. */
  #life = 0
  #hasStarted = false
  /** Whether this page's handler was told that it has started, and not that it had failed. */
  #isTold = false

  constructor(
    parts: FollowParts,
    client: string,
    name: string,
    subscribed: Subscribed,
    sharesConnection: boolean,
  ) {
    this.#parts = parts
    this.client = client
    this.name = name
    this.subscribed = subscribed
    const { path, rooms } = subscribed
    const about = path === 'merged' ? { rooms } : { room: rooms[0] }
    // Without a shared connection, each has a position of its own.
    this.input = sharesConnection ? about : { ...about, by: name }
  }

  /** Subscribes, on the page as it is now. */
  start(client: TRPCUntypedClient<AnyTRPCRouter>, hasPosition: () => boolean): void {
    const { lastEventId, input } = this
    const { path } = this.subscribed
    const life = ++this.#life
    this.#isTold = false
    if (lastEventId !== undefined) this.#tell({ kind: 'resumed', text: `after ${lastEventId}` })
    const here =
      <TArgs extends unknown[]>(call: (...args: TArgs) => void) =>
      (...args: TArgs): void => {
        if (life === this.#life) call(...args)
      }
    const subscription = client.subscription(path, input, {
      context: {
        ...(lastEventId !== undefined && { lastEventId }),
        onGap: here(({ lastEventId: id, reason }: SseGap) =>
          this.#tell({ kind: 'gap', id, text: `${reason} after ${id}` }),
        ),
      },
      onStarted: here(() => {
        this.#isTold = true
        if (hasPosition()) this.#positioned()
      }),
      onData: here((data: unknown) => this.#onData(data as EventData)),
      onError: here((error: Error) => this.#tell({ kind: 'error', text: error.message })),
      onConnectionStateChange: here(({ error }: { readonly error: Error | null }) => {
        if (!error) return
        this.#isTold = false
        this.#tell({ kind: 'refused', text: error.message })
      }),
      onComplete: here(() => this.isWanted && this.#tell({ kind: 'complete', text: '' })),
    })
    this.#unsubscribe = () => subscription.unsubscribe()
  }

  /** A position has arrived for it. It may be that of a stream which is given up for another one. */
  positioned(): void {
    if (this.#isTold) this.#positioned()
  }

  /** It has started, at a position: from now on, it may lose nothing. */
  #positioned(): void {
    if (this.#hasStarted) return
    this.#hasStarted = true
    this.#tell({ kind: 'started', text: '' })
  }

  /** The app doesn't want it any more. */
  stop(): void {
    this.isWanted = false
    this.#unsubscribe()
  }

  /** Its page is gone; without an id it starts anew, as another one. */
  lose(): void {
    this.#life += 1
    if (this.lastEventId === undefined) this.isWanted = false
  }

  #onData({ id, data }: EventData): void {
    this.#positioned()
    this.lastEventId = id
    const { n, room } = data
    this.#tell({ kind: 'data', n, room, id, text: `${n} (${id})` })
  }

  #moments(): ReadonlyMap<string, LogMoment> {
    const { momentOf } = this.#parts
    return new Map(this.subscribed.rooms.map((room) => [room, momentOf(room)]))
  }

  #tell(told: Omit<Told, 'atMs' | 'moments'>): void {
    if (!this.isWanted) return
    const { nowMs, trace } = this.#parts
    this.told.push({ ...told, atMs: nowMs(), moments: this.#moments() })
    trace.add(this.client, `${this.name}: ${told.kind} ${told.text}`)
  }
}

interface EventData {
  readonly id: string
  readonly data: { readonly n: number; readonly room: string }
}
