import { once } from 'node:events'
import http2 from 'node:http2'
import { Readable } from 'node:stream'

/** A `fetch` that sends all requests over one HTTP/2 connection, and accepts any certificate. */
export function http2Fetch(
  origin: string,
): Disposable & { readonly fetch: (url: string, init?: RequestInit) => Promise<Response> } {
  const session = http2.connect(origin, { rejectUnauthorized: false })
  session.on('error', () => {})
  return {
    async fetch(address, { method = 'GET', headers, body, signal } = {}) {
      const { pathname, search } = new URL(address)
      const stream = session.request(
        {
          ':method': method,
          ':path': `${pathname}${search}`,
          ...Object.fromEntries(new Headers(headers)),
        },
        signal ? { signal } : {},
      )
      stream.on('error', () => {})
      stream.end(typeof body === 'string' ? body : undefined)
      const [received] = await once(stream, 'response')
      const pairs = Object.entries(received as Record<string, unknown>)
      const plain = pairs
        .filter(([name]) => !name.startsWith(':'))
        .map(([name, value]) => [name, String(value)])
      const status = Number((received as Record<string, unknown>)[':status'])
      return new Response(Readable.toWeb(stream) as ReadableStream<Uint8Array>, {
        status,
        headers: plain as Array<[string, string]>,
      })
    },
    [Symbol.dispose]: () => session.destroy(),
  }
}
