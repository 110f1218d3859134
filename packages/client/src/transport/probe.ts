import type { HttpRequest } from '../wire/request.ts'
import type { Fetch } from './fetch.ts'

const advice = 'https://github.com/trpc-sse/trpc-sse/blob/main/docs/proxies.md#a-proxy-that-buffers'

/**
 * Makes a request that asks for nothing, where a stream hasn't begun. If that is answered, something on the way holds responses
 * back: says so. Rejects if it isn't.
 */
export async function probe(
  fetch: Fetch,
  { url, headers }: HttpRequest,
  signal: AbortSignal,
): Promise<string> {
  await fetch(url, {
    method: 'HEAD',
    headers: Object.fromEntries(headers),
    signal,
    cache: 'no-store',
  })
  return `No stream has begun, though another request was answered: a proxy seems to hold responses back. See ${advice}`
}
