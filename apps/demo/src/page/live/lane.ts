/**
 * Where this page reads its streams. Over HTTP/1.1 a browser opens six connections to one origin, for all of its
 * windows together: two windows with a few streams each would leave none for a click. On this machine every name
 * below `localhost` is the same server, so each page takes a name of its own. Elsewhere, serve HTTP/2.
 */
export async function findLane(
  page: string,
  { protocol, hostname, port, origin }: Location,
): Promise<string> {
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)
  if (!isLocal || protocol !== 'http:') return origin
  const lane = `http://page-${page}.localhost${port && `:${port}`}`
  try {
    // Some browsers ask the system, which may not know such names.
    await fetch(lane, { method: 'HEAD', mode: 'no-cors', signal: AbortSignal.timeout(2_000) })
    return lane
  } catch {
    return origin
  }
}
