import { createDecoder, type Decoder } from '@trpc-sse/protocol'

/** A subscription of a page, as it is on the wire. Several may be of the same. */
interface WireSubscription {
  readonly of: string
  isPositioned: boolean
}

/**
 * Which subscriptions of a page have a position, as its bytes say. A handler is told that it has
 * started before that is known where the log can't be reached; only a position can be resumed from.
 */
export class WirePositions {
  /** Those of the newest request, by their keys. In single mode, each has a request of its own. */
  #wanted = new Map<string, WireSubscription>()
  readonly #onPosition: (subscribed: string) => void

  constructor(onPosition: (subscribed: string) => void) {
    this.#onPosition = onPosition
  }

  /** Whether all have a position that are of this. */
  has(subscribed: string): boolean {
    const same = [...this.#wanted.values()].filter((one) => one.of === subscribed)
    return same.length > 0 && same.every(({ isPositioned }) => isPositioned)
  }

  /** Reads the answer to a request. */
  decoderFor(url: string, body: unknown): Decoder {
    const { pathname, searchParams } = new URL(url)
    const single = subscribedText(pathname.slice(1), JSON.parse(searchParams.get('input') ?? '{}'))
    if (typeof body === 'string') this.#learn(body)
    else if (!this.#wanted.has(single))
      this.#wanted.set(single, { of: single, isPositioned: false })
    return createDecoder({
      onMessage: ({ event, data, id }) => {
        if (!id) return
        const key = event.startsWith('$') ? keyOf(data) : event
        this.#add(typeof body === 'string' ? key : single)
      },
    })
  }

  /** Reads which subscriptions a request wants. What resumes has a position. */
  #learn(body: string): void {
    const { subscriptions } = JSON.parse(body) as {
      readonly subscriptions: Record<string, WireRequest>
    }
    const before = this.#wanted
    this.#wanted = new Map()
    for (const [key, { path, input, lastEventId }] of Object.entries(subscriptions)) {
      const known = before.get(key)?.isPositioned ?? false
      const isPositioned = known || lastEventId !== undefined
      this.#wanted.set(key, { of: subscribedText(path, input), isPositioned })
    }
  }

  #add(key: string): void {
    const subscription = this.#wanted.get(key)
    if (subscription === undefined || subscription.isPositioned) return
    subscription.isPositioned = true
    if (this.has(subscription.of)) this.#onPosition(subscription.of)
  }
}

interface WireRequest {
  readonly path: string
  readonly input: unknown
  readonly lastEventId?: string
}

/** Names what a subscription is of. */
export function subscribedText(path: string, input: unknown): string {
  return `${path} ${JSON.stringify(input)}`
}

function keyOf(data: string): string {
  const { key } = JSON.parse(data) as { readonly key?: string }
  return key ?? ''
}
