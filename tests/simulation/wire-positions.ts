import { createDecoder, type Decoder } from '@trpc-sse/protocol'

/**
 * Which subscriptions of a page have a position, as its bytes say. A handler is told that it has
 * started before that is known where the log can't be reached; only a position can be resumed from.
 */
export class WirePositions {
  readonly #known = new Set<string>()
  /** What each key stands for. */
  readonly #keys = new Map<string, string>()
  readonly #onPosition: (subscribed: string) => void

  constructor(onPosition: (subscribed: string) => void) {
    this.#onPosition = onPosition
  }

  has(subscribed: string): boolean {
    return this.#known.has(subscribed)
  }

  /** Reads the answer to a request. */
  decoderFor(url: string, body: unknown): Decoder {
    const { pathname, searchParams } = new URL(url)
    const single = subscribedText(pathname.slice(1), JSON.parse(searchParams.get('input') ?? '{}'))
    if (typeof body === 'string') this.#learn(body)
    return createDecoder({
      onMessage: ({ event, data, id }) => {
        if (!id) return
        const key = event.startsWith('$') ? keyOf(data) : event
        this.#add(typeof body === 'string' ? this.#keys.get(key) : single)
      },
    })
  }

  /** Reads which subscriptions a request wants. */
  #learn(body: string): void {
    const { subscriptions } = JSON.parse(body) as {
      readonly subscriptions: Record<string, { readonly path: string; readonly input: unknown }>
    }
    for (const [key, { path, input }] of Object.entries(subscriptions))
      this.#keys.set(key, subscribedText(path, input))
  }

  #add(subscribed: string | undefined): void {
    if (subscribed === undefined || this.#known.has(subscribed)) return
    this.#known.add(subscribed)
    this.#onPosition(subscribed)
  }
}

/** Names what a subscription is of: those that have the same share a position. */
export function subscribedText(path: string, input: unknown): string {
  return `${path} ${JSON.stringify(input)}`
}

function keyOf(data: string): string {
  const { key } = JSON.parse(data) as { readonly key?: string }
  return key ?? ''
}
