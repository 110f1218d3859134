import { setTimeout as sleep } from 'node:timers/promises'
import { createTRPCClient, httpLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { type Room, rooms, type SoakRouter } from './app.ts'
import { History, type RoomTruth } from './history.ts'

/** A subscription that outlives the pages on which it runs. */
class Follower {
  readonly history: History
  readonly room: Room
  readonly #replay: 'all' | 'none'
  #lastEventId: string | undefined
  #unsubscribe = (): void => {}
  /** The number of the current page. Calls from earlier pages are ignored. */
  #page = 0

  constructor(name: string, room: Room, replay: 'all' | 'none', truth: RoomTruth) {
    this.room = room
    this.#replay = replay
    this.history = new History(`${name} ${room}`, truth, replay === 'all')
  }

  /** Subscribes on a page, and resumes after the events of the previous page. */
  open(client: ReturnType<typeof createTRPCClient<SoakRouter>>): void {
    const page = ++this.#page
    const isHere = (): boolean => page === this.#page
    const input = { room: this.room, replay: this.#replay }
    const subscription = client.onEvent.subscribe(input, {
      context: {
        ...(this.#lastEventId !== undefined && { lastEventId: this.#lastEventId }),
        onGap: ({ reason }: { readonly reason: string }) => {
          if (isHere()) this.history.saw({ kind: 'gap', reason })
        },
      },
      onData: ({ id, data }) => {
        if (!isHere()) return
        this.#lastEventId = id
        this.history.saw({ kind: 'event', id, event: data })
      },
      onError: (error) => {
        if (isHere()) this.history.saw({ kind: 'ended', how: error.message })
      },
      onComplete: () => {
        if (isHere()) this.history.saw({ kind: 'ended', how: 'complete' })
      },
    })
    this.#unsubscribe = () => subscription.unsubscribe()
  }

  /** The page is gone. */
  close(): void {
    this.#page += 1
    this.#unsubscribe()
  }

  /** Whether a page that opens now would resume. */
  get hasPosition(): boolean {
    return this.#lastEventId !== undefined
  }
}

/** A page with some subscriptions, which reloads now and then. */
export class Page {
  readonly followers: readonly Follower[]
  readonly #url: string
  readonly #isMultiplexed: boolean

  constructor(url: string, index: number, truthOf: (room: Room) => RoomTruth) {
    this.#url = url
    this.#isMultiplexed = index % 3 !== 2
    const replay = index % 2 === 0 ? 'all' : 'none'
    this.followers = rooms.map((room) => new Follower(`page ${index}`, room, replay, truthOf(room)))
    this.open()
  }

  open(): void {
    const client = createTRPCClient<SoakRouter>({
      links: [
        sseLink({
          url: this.#url,
          mode: this.#isMultiplexed ? 'multiplexed' : 'single',
          retry: { baseMs: 50, maxMs: 1_000 },
        }),
      ],
    })
    for (const follower of this.followers) follower.open(client)
  }

  close(): void {
    for (const follower of this.followers) follower.close()
  }

  /** Opens the page again, once each subscription has a position to resume from. */
  reload(): void {
    if (!this.followers.every(({ hasPosition }) => hasPosition)) return
    this.close()
    this.open()
  }
}

/** Publishes numbers to one room, one after the other. Retries each until it is stored. */
export class Publisher {
  /** The last number that was stored. */
  n = 0
  readonly room: Room
  readonly name: string
  attempts = 0
  /** What the publisher tries to publish, and why the last attempt failed. */
  waitsFor: string | undefined
  #isClosed = false
  readonly #client: ReturnType<typeof createTRPCClient<SoakRouter>>

  constructor(url: string, name: string, room: Room) {
    this.name = name
    this.room = room
    this.#client = createTRPCClient<SoakRouter>({ links: [httpLink({ url })] })
  }

  /** Publishes until the signal aborts, with pauses of up to `pauseMs`. */
  async run(signal: AbortSignal, chance: () => number, pauseMs: number): Promise<void> {
    while (!signal.aborted) {
      await this.publishNext()
      await sleep(chance() * pauseMs)
    }
  }

  /** Publishes the next number. Retries until it is stored. */
  async publishNext(): Promise<void> {
    const event = { room: this.room, publisher: this.name, n: this.n + 1 }
    while (!this.#isClosed) {
      this.attempts += 1
      try {
        await this.#client.publish.mutate(event, { signal: AbortSignal.timeout(6_000) })
        this.n += 1
        this.waitsFor = undefined
        return
      } catch (error) {
        this.waitsFor = `${event.n} of ${this.name}: ${String(error)}`
        await sleep(100)
      }
    }
  }

  /** Gives up what it tries to publish. */
  close(): void {
    this.#isClosed = true
  }
}
