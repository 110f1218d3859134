import type { HttpRequest } from '../wire/request.ts'
import type { Fetch } from './fetch.ts'

const advice = 'https://github.com/trpc-sse/trpc-sse/blob/main/docs/proxies.md#a-proxy-that-buffers'

/**
 * Sends a HEAD request after a stream has failed to begin. If it is answered, a proxy holds
 * responses back: resolves with a message that says so. Rejects if it isn't answered.
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
