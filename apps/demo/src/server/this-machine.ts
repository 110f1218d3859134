import type { IncomingMessage } from 'node:http'

const addresses: ReadonlySet<unknown> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])
const name = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * Whether a browser on this machine has sent a request, to a local name. The load balancer reports
 * the address. Any site can give its own name the address of this machine, so check the name too.
 */
export function isFromThisMachine({ headers }: IncomingMessage | Request): boolean {
  const read = (header: string): unknown =>
    headers instanceof Headers ? headers.get(header) : headers[header]
  return addresses.has(read('x-forwarded-for')) && name.test(String(read('host')))
}
