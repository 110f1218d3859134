import type { SubscriptionFrame } from '../wire/frame.ts'

/**
 * Writes a message for a guest, as `encode` of the protocol does for any: here names and ids are known to be one
 * line, and data to be JSON, in which a line break is as good as a space.
 */
export function writeMessage(event: string, data: string, id?: string | undefined): string {
  return `event: ${event}\ndata: ${data.replaceAll('\n', ' ')}\n${id === undefined ? '' : `id: ${id}\n`}\n`
}

/** Writes a frame as the server has, for the key that the guest has for it. */
export function writeFrame(key: string, { type, id, ...data }: SubscriptionFrame): string {
  if ('data' in data) return writeMessage(key, data.data, id)
  return writeMessage(`$${type}`, JSON.stringify({ ...data, key }), id)
}
