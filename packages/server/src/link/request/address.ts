import { RealtimeError } from '@trpc-sse/protocol'
import { mustBeValue } from '../../user-code/calls.ts'
import { formatIpv4, type IpRange, isInRange, parseIp, parseIpRange } from './ip.ts'

/**
 * The proxies whose `X-Forwarded-For` is trusted for the client's address.
 *
 * - `false`: none. A client's address is the address of its socket.
 * - A number: the number of proxies that a request passes. Each appends the address of its peer.
 * - A list of addresses and ranges, such as `['10.0.0.0/8', '2001:db8::/32']`. The names
 *   `'loopback'`, `'linklocal'` and `'uniquelocal'` mean the private ranges.
 * - A function of an address and the number of proxies between that address and the server. The
 *   address is `undefined` for the unknown sender of a web-standard request.
 * - `true`: all. **The client can then send any address**, so use this only behind a proxy that
 *   overwrites the header.
 */
export type TrustProxy =
  | boolean
  | number
  | readonly string[]
  | ((address: string | undefined, hop: number) => boolean)

/**
 * Finds a client's address from the address of the socket's peer (`undefined` if unknown) and
 * `X-Forwarded-For`.
 */
export type AddressReader = (
  peer: string | undefined,
  forwardedFor: string | null,
) => string | undefined

type Trusts = (address: string | undefined, hop: number) => boolean

/**
 * Creates a reader of addresses. Throws `INVALID_OPTION` for an invalid address or number of
 * proxies.
 */
export function createAddressReader(trustProxy: TrustProxy = false): AddressReader {
  const trusts = createTrust(trustProxy)
  // Consecutive requests often have the same peer: a proxy, or one client.
  let lastPeer: string | undefined
  let lastPeerAddress: string | undefined

  function addressOfPeer(peer: string | undefined): string | undefined {
    if (peer !== lastPeer) {
      lastPeer = peer
      lastPeerAddress = plainAddress(peer)
    }
    return lastPeerAddress
  }

  return (peer, forwardedFor) => {
    let address = addressOfPeer(peer)
    const forwarded = forwardedFor?.split(',') ?? []
    for (let hop = 0; hop < forwarded.length && trusts(address, hop); hop++) {
      const next = plainAddress(forwarded.at(-1 - hop))
      // This proxy added no valid address, so its own address is the last known one.
      if (next === undefined) break
      address = next
    }
    return address
  }
}

/**
 * Returns the address reader for one request. A `trustProxy` function of a request applies only to
 * that request.
 */
export function addressReaderFor(
  trustProxy: TrustProxy | undefined,
  shared: AddressReader,
): AddressReader {
  return typeof trustProxy === 'function' ? createAddressReader(trustProxy) : shared
}

/**
 * Returns the network under which an address is counted. A client with IPv6 has 2⁶⁴ addresses,
 * which count as one.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [plain = ''] = address.split('%', 1)
  const ip = parseIp(plain)
  return ip?.bits === 128 ? `${(ip.value >> 64n).toString(16)}::/64` : address
}

const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

function createTrust(trustProxy: TrustProxy): Trusts {
  if (typeof trustProxy === 'function')
    return (...hop) => mustBeValue(trustProxy(...hop), 'trustProxy()')
  if (typeof trustProxy === 'boolean') return () => trustProxy
  if (typeof trustProxy === 'number') {
    if (!Number.isSafeInteger(trustProxy) || trustProxy < 0)
      throw invalid(`${trustProxy} is no number of proxies`)
    return (_, hop) => hop < trustProxy
  }
  const ranges = trustProxy.flatMap((name) => named[name] ?? [name]).map(rangeOf)
  return (address) => {
    const ip = address === undefined ? undefined : parseIp(address)
    return ip !== undefined && ranges.some((range) => isInRange(ip, range))
  }
}

function rangeOf(text: string): IpRange {
  const range = parseIpRange(text)
  if (range === undefined) throw invalid(`${JSON.stringify(text)} is no address or range`)
  return range
}

function invalid(what: string): RealtimeError {
  const message = `createServerLink(): trustProxy: ${what}. Give a number of proxies, or addresses and ranges such as '10.0.0.0/8'.`
  return new RealtimeError('INVALID_OPTION', message)
}

/**
 * Returns the plain form of an address: without port, brackets and zone, and IPv4 in IPv6 as IPv4.
 * So a client has one address, however it is written. Returns `undefined` for an invalid address.
 */
function plainAddress(text: string | undefined): string | undefined {
  const [, inBrackets, beforePort] =
    /^\s*(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)\s*$/.exec(text ?? '') ?? []
  const [address = ''] = (inBrackets ?? beforePort ?? text ?? '').trim().split('%', 1)
  const ip = parseIp(address)
  return ip?.bits === 32 ? formatIpv4(ip) : ip && address
}
