import { isRealtimeError } from '@trpc-sse/server'
import type { Chance } from './chance.ts'
import type { Instance } from './instance.ts'
import type { SimulatedProcess } from './process.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

/** One publish of an app, and what became of it. */
export interface Published {
  readonly room: string
  /** The numbers of its events. */
  readonly events: readonly number[]
  readonly hasKey: boolean
  /** `rejected` says that it may be stored; `unknown` is that of an instance that crashed. */
  outcome: 'unknown' | 'resolved' | 'rejected'
  ids: readonly string[]
  /** Whether it may be tried again, or an answer may come. */
  isPending: boolean
  /** The process that was asked to publish it; `undefined` if there were several. */
  sentBy: SimulatedProcess | undefined
}

/** What a publisher is made of. */
export interface PublisherOptions {
  readonly timeline: Timeline
  readonly trace: Trace
  readonly chance: Chance
  readonly instances: () => readonly Instance[]
  readonly onFault: (what: string) => void
}

/** How long an app waits for a publish before it tries again with the same key, in milliseconds. */
const patienceMs = 5_000
const mostAttempts = 6
/** What a publish that may or may not be stored rejects with. */
const honest: ReadonlySet<string> = new Set([
  'BACKEND_UNAVAILABLE',
  'PUBLISH_UNCONFIRMED',
  'CLOSED',
])

/** Publishes as an app does: with a key it tries again, without one it doesn't. */
export class Publisher {
  readonly published: Published[] = []
  readonly #options: PublisherOptions
  #n = 0

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Publishes so many events to a room at once; only one of them can have a key. */
  publish(room: string, count: number, hasKey: boolean, characters: number): Published {
    const events = Array.from({ length: count }, () => ++this.#n)
    const published: Published = {
      room,
      events,
      hasKey: hasKey && count === 1,
      outcome: 'unknown',
      isPending: true,
      ids: [],
      sentBy: undefined,
    }
    this.published.push(published)
    this.#attempt(published, characters, 1)
    return published
  }

  /** Whether nothing of what was published is stored any more. */
  get isQuiet(): boolean {
    return this.published.every(({ isPending, sentBy }) => !isPending || sentBy?.hasCrashed)
  }

  /** Publishes an event with an even number, so that each subscription gets it. */
  publishLast(room: string): Published {
    if (this.#n % 2 === 0) this.#n += 1
    return this.publish(room, 1, true, 0)
  }

  #attempt(published: Published, characters: number, attempt: number): void {
    const { chance, timeline, instances } = this.#options
    const up = instances().filter(({ isUp }) => isUp)
    let isOver = false
    const retry = (delayMs: number): void => {
      if (isOver) return
      isOver = true
      published.isPending = published.hasKey && attempt < mostAttempts
      if (!published.isPending) return
      timeline.after(delayMs, () => this.#attempt(published, characters, attempt + 1))
    }
    if (up.length === 0) {
      retry(1_000)
      return
    }
    const instance = chance.one(up)
    published.sentBy = attempt === 1 ? instance.process : undefined
    if (published.hasKey) timeline.after(patienceMs, () => retry(0))
    instance.process.arrive(0, () => {
      this.#send(instance, published, characters).then(
        (ids) => {
          if (instance.process.hasCrashed || isOver) return
          isOver = true
          this.#resolved(instance, published, ids)
        },
        (error: unknown) => {
          if (instance.process.hasCrashed || isOver) return
          this.#rejected(published, error)
          retry(chance.delayMs(500))
        },
      )
    })
  }

  async #send(
    { channels }: Instance,
    { room, events, hasKey }: Published,
    characters: number,
  ): Promise<readonly string[]> {
    const handle = channels.room({ room })
    const [first, ...others] = events.map((n) => ({ n, room, padding: '.'.repeat(characters) }))
    if (first === undefined) return []
    if (others.length > 0) return (await handle.publishMany([first, ...others])).map(({ id }) => id)
    const { id } = await handle.publish(first, hasKey ? { idempotencyKey: `key ${first.n}` } : {})
    return [id]
  }

  #resolved({ process }: Instance, published: Published, ids: readonly string[]): void {
    published.outcome = 'resolved'
    published.isPending = false
    published.ids = ids
    this.#options.trace.add(process.name, `published ${published.events.join(', ')}`)
  }

  #rejected(published: Published, error: unknown): void {
    published.outcome = 'rejected'
    const code = isRealtimeError(error) ? error.code : undefined
    if (code === undefined || !honest.has(code))
      this.#options.onFault(`publish rejected with ${String(error)}`)
  }
}
