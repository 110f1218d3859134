import { shortHash } from '@trpc-sse/protocol'

/** Part of every name, so that tabs with another version of these messages don't meet. */
const version = 2

/**
 * Names the group of a request. Only requests that the server can't tell apart share a stream. With
 * an identity the app says which user it is, and headers may differ.
 */
export function scopeOf(url: string, headers: RequestInit['headers'], identity?: string): string {
  const [address = ''] = url.split('?', 1)
  const user = identity === undefined ? [url, ...new Headers(headers)] : [address, { identity }]
  const text = JSON.stringify(user)
  // Two hashes of 53 bits: nothing here is secret, but no two users may ever meet by chance.
  return `trpc-sse:${version}:${shortHash(text)}${shortHash(`${text} `)}`
}
