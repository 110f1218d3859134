/**
 * The address that a request comes from. A loopback or private peer is a proxy: then it is the last address in
 * X-Forwarded-For, the one that this proxy has seen itself. Anyone else could write what they like into that header.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | null): string | undefined {
  if (peer !== undefined && !isPrivate(peer)) return peer
  return forwardedFor?.split(',').at(-1)?.trim() || peer
}

// RFC 1918, RFC 4193, loopback and link-local, also as IPv4 in IPv6.
const privateAddress =
  /^(::ffff:)?(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)|^(::1$|f[cd]|fe[89ab])/i

function isPrivate(address: string): boolean {
  return privateAddress.test(address)
}
