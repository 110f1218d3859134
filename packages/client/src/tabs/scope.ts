import { shortHash } from '@trpc-sse/protocol'

/**
 * The version of the messages. It is part of every name, so that tabs with different versions don't
 * communicate.
 */
const version = 3

/**
 * Returns the name of a request's group. Only requests that look the same to the server share a
 * stream. With an identity, the app identifies the user, and headers may differ.
 */
export function scopeOf(url: string, headers: RequestInit['headers'], identity?: string): string {
  const [address = ''] = url.split('?', 1)
  const user = identity === undefined ? [url, ...new Headers(headers)] : [address, { identity }]
  const text = JSON.stringify(user)
  // Use two hashes of 53 bits, because two users must never get the same name by chance. Nothing
  // here is secret.
  return `trpc-sse:${version}:${shortHash(text)}${shortHash(`${text} `)}`
}
