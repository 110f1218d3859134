import { z } from 'zod'

/** What is published: the same in every target. */
export const tick = z.object({ n: z.number(), text: z.string() })

/** An event to publish. */
export type Tick = z.infer<typeof tick>

/**
 * Occurs once in each event, and nowhere else in what a server sends: clients count events by it.
 * (Not a `~`: that is in the header of every WebSocket frame of 126 bytes and more.)
 */
export const marker = '^'

/** Digits of the time that follows the marker. */
export const timeDigits = 16

/** The least size of an event. */
export const leastBytes = 80

/** Makes an event of so many bytes of JSON, which carries the time of its making. */
export function createTick(n: number, bytes: number): Tick {
  const text = `${marker}${String(nowUs()).padStart(timeDigits, '0')}`
  const padding = bytes - '{"n":,"text":""}'.length - String(n).length - text.length
  return { n, text: text + 'x'.repeat(padding) }
}

/** A clock that is the same in all processes of a machine, in microseconds. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
