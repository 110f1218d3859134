import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { WireWriter } from '../call/wire-writer.ts'

/** Options of {@link emitAndEnd}. */
export interface EmitAndEndOptions {
  readonly clock: Clock
  /**
   * Returns whether there is currently nothing left to send. `sent` has the keys of subscriptions
   * that have sent something.
   */
  isDone(sent: ReadonlySet<string>): boolean
  /** Ends the stream. Has no effect if the stream has already ended. */
  end(): void
}

/** The time that the stream waits for more after its first frame, as in tRPC, in milliseconds. */
const graceMs = 1
/**
 * The maximum time that the stream waits, after its first frame, for subscriptions that have sent
 * nothing, in milliseconds.
 */
const patienceMs = 1_000
const checkMs = 10

/**
 * Creates the writer for a stream with `sse.emitAndEndImmediately`. The stream ends once each
 * subscription has sent its available values, for platforms that deliver a response only after its
 * end. As in tRPC, the wait for the first frame has no limit.
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
