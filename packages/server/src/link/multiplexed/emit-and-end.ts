import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { WireWriter } from '../call/wire-writer.ts'

/** Options of {@link emitAndEnd}. */
export interface EmitAndEndOptions {
  readonly clock: Clock
  /**
   * Whether nothing is left to send for now, given the keys of subscriptions that have sent
   * something.
   */
  isDone(sent: ReadonlySet<string>): boolean
  /** Ends the stream. Harmless when it has ended. */
  end(): void
}

/** How long the stream waits for more after its first frame, as tRPC does, in milliseconds. */
const graceMs = 1
/**
 * How long it waits, after its first frame, for subscriptions that have sent nothing, in
 * milliseconds.
 */
const patienceMs = 1_000
const checkMs = 10

/**
 * Ends a stream once each of its subscriptions has sent what there was
 * (`sse.emitAndEndImmediately`): for platforms that deliver a response only when it has ended. As
 * in tRPC, it waits for the first frame however long that takes. Returns the writer for such a
 * stream.
 */
export function emitAndEnd(
  writer: WireWriter,
  { clock, isDone, end }: EmitAndEndOptions,
): WireWriter {
  const elapsedMs = elapsedTime(clock)
  const sent = new Set<string>()
  let firstAtMs: number | undefined

  function check(): void {
    if (isDone(sent) || elapsedMs() - (firstAtMs ?? 0) >= patienceMs) end()
    else clock.after(checkMs, check)
  }

  function onSent(key: string): void {
    sent.add(key)
    if (firstAtMs !== undefined) return
    firstAtMs = elapsedMs()
    clock.after(graceMs, check)
  }

  const noted = <TArgs extends readonly unknown[], TFrame>(
    write: (key: string, ...args: TArgs) => TFrame,
  ) => {
    return (key: string, ...args: TArgs): TFrame => {
      onSent(key)
      return write(key, ...args)
    }
  }

  return {
    ...writer,
    event: noted(writer.event),
    value: noted(writer.value),
    gap: noted(writer.gap),
    complete: noted(writer.complete),
    error: noted(writer.error),
  }
}
