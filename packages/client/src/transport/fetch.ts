import { RealtimeError } from '@trpc-sse/protocol'

/** Sends a request: `globalThis.fetch`, or something that behaves like it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * Sends a request with the current `globalThis.fetch`. Throws `INVALID_OPTION` for an invalid
 * address. The error of `fetch` itself would look like a missing network, and be retried forever.
 */
export async function globalFetch(url: string, init: RequestInit): Promise<Response> {
  try {
    new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href)
  } catch (cause) {
    const [address] = url.split('?', 1)
    const message = `"${address}" is no address. Outside a browser, url must be absolute.`
    throw new RealtimeError('INVALID_OPTION', message, { cause })
  }
  return globalThis.fetch(url, init)
}
