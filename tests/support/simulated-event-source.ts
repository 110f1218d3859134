import type { EventSourceConstructor, EventSourceEvent } from '@trpc-sse/client'
import { createDecoder } from '@trpc-sse/protocol'

/**
 * Creates an EventSource from a `fetch`. It works as in browsers: every event has the newest id so
 * far, and failures have no details.
 */
export function eventSourceOver(fetch: (url: string) => Promise<Response>): EventSourceConstructor {
  return class {
    readonly #listeners = new Map<string, (event: EventSourceEvent) => void>()
    #isClosed = false

    constructor(url: string) {
      void this.#receive(url).then(() => this.#dispatch('error', {}))
    }

    addEventListener(type: string, listener: (event: EventSourceEvent) => void): void {
      this.#listeners.set(type, listener)
    }

    close(): void {
      this.#isClosed = true
    }

    #dispatch(type: string, event: EventSourceEvent): void {
      if (!this.#isClosed) this.#listeners.get(type)?.(event)
    }

    async #receive(url: string): Promise<void> {
      const { body, headers } = await fetch(url).catch(() => Response.error())
      if (!body || headers.get('content-type') !== 'text/event-stream') return
      this.#dispatch('open', {})
      let lastEventId = ''
      const decoder = createDecoder({
        onMessage: ({ event, data, id = lastEventId }) => {
          lastEventId = id
          this.#dispatch(event, { data, lastEventId })
        },
      })
      try {
        for await (const chunk of body) decoder.push(chunk)
      } catch {
        // A cut is an error like any other.
      }
    }
  }
}
