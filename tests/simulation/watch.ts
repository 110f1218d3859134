import type { TRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import type { Trace } from './trace.ts'

/** What a page watches: a run, the map of a board, or who is in a hall. */
export interface Watched {
  readonly path: 'answer' | 'job' | 'board' | 'member'
  readonly name: string
}

/** What a watch was told. */
export type Told = { readonly atMs: number } & (
  | { readonly kind: 'item'; readonly item: unknown }
  /** The page was loaded again; without an id, it has nothing of what it had. */
  | { readonly kind: 'loaded'; readonly hasPosition: boolean }
  | { readonly kind: 'error' | 'complete' | 'gap'; readonly text: string }
)

/** The parts of a {@link Watch}. */
export interface WatchParts {
  readonly nowMs: () => number
  readonly trace: Trace
  /** Who watches. */
  readonly client: string
  readonly name: string
  readonly watched: Watched
}

/** A subscription to something else than a room, reloads included, and all that it was told. */
export class Watch {
  readonly client: string
  readonly name: string
  readonly watched: Watched
  readonly told: Told[] = []
  isWanted = true
  readonly #parts: WatchParts
  #lastEventId: string | undefined
  #unsubscribe = (): void => {}
  /** Handlers of a page that is gone call nobody. */
  #life = 0

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.client = parts.client
    this.name = parts.name
    this.watched = parts.watched
  }

  /** Whether it was told the end, or has ended without one. */
  get isOver(): boolean {
    return this.told.some(({ kind }) => kind === 'complete' || kind === 'error')
  }

  /** Whether nothing more can come: of a run, there is an end. */
  get isSettled(): boolean {
    const { path } = this.watched
    return !this.isWanted || this.isOver || path === 'board' || path === 'member'
  }

  /** Subscribes, on the page as it is now. */
  start(client: TRPCUntypedClient<AnyTRPCRouter>): void {
    const { path, name } = this.watched
    const lastEventId = this.#lastEventId
    const life = ++this.#life
    if (life > 1) this.#tell({ kind: 'loaded', hasPosition: lastEventId !== undefined })
    const here =
      <TArgs extends unknown[]>(call: (...args: TArgs) => void) =>
      (...args: TArgs): void => {
        if (life === this.#life) call(...args)
      }
    const input = { name, by: this.client }
    const subscription = client.subscription(path, input, {
      context: {
        ...(lastEventId !== undefined && { lastEventId }),
        onGap: here(({ reason }: { readonly reason: string }) =>
          this.#tell({ kind: 'gap', text: reason }),
        ),
      },
      onData: here((data: unknown) => this.#onData(data)),
      onError: here((error: Error) => this.#tell({ kind: 'error', text: error.message })),
      onComplete: here(() => this.#tell({ kind: 'complete', text: '' })),
    })
    this.#unsubscribe = () => subscription.unsubscribe()
  }

  /** The app doesn't want it any more. */
  stop(): void {
    this.isWanted = false
    this.#unsubscribe()
  }

  /** Its page is gone. */
  lose(): void {
    this.#life += 1
  }

  #onData(envelope: unknown): void {
    const { id, data } = envelope as { readonly id: string; readonly data: unknown }
    this.#lastEventId = id
    this.#tell({ kind: 'item', item: data })
  }

  #tell(told: WithoutTime<Told>): void {
    if (!this.isWanted) return
    const { nowMs, trace } = this.#parts
    this.told.push({ ...told, atMs: nowMs() } as Told)
    const { kind, ...details } = told
    trace.add(this.client, `${this.name}: ${kind} ${JSON.stringify(details)}`)
  }
}

type WithoutTime<TTold> = TTold extends Told ? Omit<TTold, 'atMs'> : never
