import type { IncomingMessage } from 'node:http'

const addresses: ReadonlySet<unknown> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])
const name = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * Whether a browser on this machine has sent a request, to a local name. If a load balancer has
 * passed it on, the header has the browser's address. Any site can give its own name the address of
 * this machine, so check the name too.
 */
export function isFromThisMachine(request: IncomingMessage | Request): boolean {
  if (request instanceof Request) return false
  const { headers, socket } = request
  const { host = '', 'x-forwarded-for': forwardedFor = socket.remoteAddress } = headers
  return addresses.has(socket.remoteAddress) && addresses.has(forwardedFor) && name.test(host)
}
