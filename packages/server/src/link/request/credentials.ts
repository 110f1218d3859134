/** What a request says of who sends it, for where the app doesn't tell whose a connection is. */
export interface Credentials {
  readonly authorization: string | null
  readonly cookie: string | null
  readonly connectionParams: string | null
}

const text = new TextEncoder()

/**
 * Names the owner of a stream: its key where the app gives one, else a digest of the credentials that it was opened with. Nothing of the
 * credentials can be read from it, and for another stream it is another one. Keys and digests never are the same.
 */
export function ownerOf(
  key: string | undefined,
  connectionId: string,
  { authorization, cookie, connectionParams }: Credentials,
): string | Promise<string> {
  if (key !== undefined) return `key ${key}`
  // Without any, the connection id is all that there is to know.
  if (authorization === null && cookie === null && connectionParams === null) return 'nobody'
  return digest(JSON.stringify([connectionId, authorization, cookie, connectionParams]))
}

/** Whether two names of owners are the same; takes as long whether they are or not. */
export function isSameOwner(one: string, other: string): boolean {
  let differences = one.length ^ other.length
  for (let i = 0; i < one.length; i++) differences |= one.charCodeAt(i) ^ other.charCodeAt(i)
  return differences === 0
}

async function digest(secret: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', text.encode(secret)))
  return `digest ${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
