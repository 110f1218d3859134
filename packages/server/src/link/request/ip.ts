/** An IP address as a number, and its length in bits. */
export interface IpAddress {
  readonly value: bigint
  readonly bits: 32 | 128
}

/** A range of addresses that have the first `prefix` bits in common. */
export interface IpRange extends IpAddress {
  readonly prefix: number
}

/**
 * Parses an IPv4 or IPv6 address. Returns `undefined` for any other text. IPv4 inside IPv6
 * (`::ffff:1.2.3.4`) becomes IPv4.
 */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

/** Parses a range such as `10.0.0.0/8`, or a single address. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = '', length, ...rest] = text.split('/')
  const ip = parseIp(address)
  if (ip === undefined || rest.length > 0) return undefined
  if (length === undefined) return { ...ip, prefix: ip.bits }
  // The prefix of `::ffff:10.0.0.0/104` counts from the start of the IPv6 address.
  const prefix = Number(length) - (address.includes(':') ? 128 - ip.bits : 0)
  return /^\d{1,3}$/.test(length) && prefix >= 0 && prefix <= ip.bits
    ? { ...ip, prefix }
    : undefined
}

/** Whether an address is in a range. */
export function isInRange({ value, bits }: IpAddress, range: IpRange): boolean {
  const shift = BigInt(range.bits - range.prefix)
  return bits === range.bits && value >> shift === range.value >> shift
}

/** Writes an IPv4 address in its usual form. */
export function formatIpv4({ value }: IpAddress): string {
  // Number is faster than bigint here, and this runs for each request.
  const number = Number(value)
  return `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined
  return { value: BigInt(parts.reduce((value, part) => value * 256 + Number(part), 0)), bits: 32 }
}

const mapped = 0xffffn

function parseIpv6(text: string): IpAddress | undefined {
  const [left = '', right, ...rest] = text.split('::')
  if (rest.length > 0) return undefined
  const head = groupsOf(left)
  const tail = groupsOf(right ?? '')
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (right === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...tail]
  const value = groups.reduce((sum, group) => sum * 65_536n + group, 0n)
  return value >> 32n === mapped ? { value: value & 0xffffffffn, bits: 32 } : { value, bits: 128 }
}

/** Parses the 16-bit groups on one side of a `::`. The last two may be written as IPv4. */
function groupsOf(text: string): readonly bigint[] | undefined {
  if (text === '') return []
  const groups: bigint[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    const ipv4 = index === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined
    if (ipv4) groups.push(ipv4.value >> 16n, ipv4.value & 0xffffn)
    else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`))
    else return undefined
  }
  return groups
}
