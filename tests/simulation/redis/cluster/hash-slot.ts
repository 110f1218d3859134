/** The number of slots of a Cluster. */
export const slotCount = 16_384

/** The slot of a key: of its hash tag, if it has one. */
export function slotOf(key: string): number {
  const start = key.indexOf('{')
  const end = start < 0 ? -1 : key.indexOf('}', start + 1)
  return crc16(end > start + 1 ? key.slice(start + 1, end) : key) % slotCount
}

/** CRC-16/XMODEM of a text whose characters are bytes. */
function crc16(bytes: string): number {
  let crc = 0
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes.charCodeAt(i) << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
    crc &= 0xffff
  }
  return crc
}
