import { z } from 'zod'

/** What is published: the same in every target. 130 bytes as JSON. */
export const tick = z.object({ n: z.number(), text: z.string() })

/** An event to publish. */
export type Tick = z.infer<typeof tick>

/** Occurs once in each event, and nowhere else in a response: clients count events by it. */
export const marker = '~'.charCodeAt(0)

/** Digits of the time that follows the marker. */
export const timeDigits = 16

const bytes = 130

/** Makes an event that carries the time of its making. */
export function createTick(n: number): Tick {
  const text = `~${String(nowUs()).padStart(timeDigits, '0')}`
  const padding = bytes - '{"n":,"text":""}'.length - String(n).length - text.length
  return { n, text: text + 'x'.repeat(padding) }
}

/** A clock that is the same in all processes of a machine, in microseconds. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
