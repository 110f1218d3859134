import type { TabsTools } from './tools.ts'

/** Part of every name, so that tabs with another version of this don't meet. */
const version = 1

/**
 * Names the group of a request: only requests that can't be told apart by their server share a stream. With an
 * identity, the app says who it is, and headers may differ.
 */
export function scopeOf(
  { shortHash }: TabsTools,
  url: string,
  headers: RequestInit['headers'],
  identity: string | undefined,
): string {
  const [address = ''] = url.split('?', 1)
  const who = identity === undefined ? [url, ...new Headers(headers)] : [address, { identity }]
  const text = JSON.stringify(who)
  // Two hashes of 53 bits: nothing here is secret, but no two users may ever meet by chance.
  return `trpc-sse:${version}:${shortHash(text)}${shortHash(`${text} `)}`
}
