import { z } from 'zod'

/** The published event, which is the same for every target. */
export const tick = z.object({ n: z.number(), text: z.string() })

/** An event to publish. */
export type Tick = z.infer<typeof tick>

/**
 * Clients count events by this character: it occurs once in each event, and nowhere else in a
 * server's bytes. (`~` wouldn't work: it is in the header of every WebSocket frame of 126 bytes and
 * more.)
 */
export const marker = '^'

/** Digits of the time that follows the marker. */
export const timeDigits = 16

/** The smallest size of an event. */
export const leastBytes = 80

/** Creates an event of the given bytes of JSON, with the time of its creation. */
export function createTick(n: number, bytes: number): Tick {
  const text = `${marker}${String(nowUs()).padStart(timeDigits, '0')}`
  const padding = bytes - '{"n":,"text":""}'.length - String(n).length - text.length
  return { n, text: text + 'x'.repeat(padding) }
}

/** The time in microseconds, by a clock that all processes of a machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
