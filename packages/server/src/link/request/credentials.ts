import { sha256 } from './sha256.ts'

/** The credentials in a request, which identify its sender in apps without `connectionKey`. */
export interface Credentials {
  readonly authorization: string | null
  readonly cookie: string | null
  readonly connectionParams: string | null
}

/**
 * Returns the owner of a stream: the key that the app returned, or else a digest of the
 * credentials. A digest doesn't reveal the credentials, and differs for each stream. A key never
 * equals a digest.
 */
export function ownerOf(
  key: string | undefined,
  connectionId: string,
  { authorization, cookie, connectionParams }: Credentials,
): string | Promise<string> {
  if (key !== undefined) return ownerOfKey(key)
  // Without credentials, the secret connection id is enough.
  if (authorization === null && cookie === null && connectionParams === null) return 'nobody'
  const digest = sha256(JSON.stringify([connectionId, authorization, cookie, connectionParams]))
  return typeof digest === 'string' ? `digest ${digest}` : digest.then((text) => `digest ${text}`)
}

/** Returns the owner of streams with a key. */
export function ownerOfKey(key: string): string {
  return `key ${key}`
}

/** Whether two owners are the same. Takes the same time for all texts of the same length. */
export function isSameOwner(one: string, other: string): boolean {
  let differences = one.length ^ other.length
  for (let i = 0; i < one.length; i++) differences |= one.charCodeAt(i) ^ other.charCodeAt(i)
  return differences === 0
}
