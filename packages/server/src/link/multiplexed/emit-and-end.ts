import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { SubscriptionFrames } from '../call/wire-writer.ts'

/** What ends a stream by `sse.emitAndEndImmediately`. */
export interface LastWordOptions {
  readonly clock: Clock
  /** Whether all subscriptions have nothing more to say for now, given the keys of those that have said something. */
  isSilent(spoken: ReadonlySet<string>): boolean
  /** Ends the stream. Harmless when it has ended. */
  end(): void
}

/** How long after the first word the stream waits for more, as tRPC does, in milliseconds. */
const graceMs = 1
/** How long after the first word it waits for those that have said nothing, in milliseconds. */
const patienceMs = 1_000
const checkMs = 10

/**
 * Ends a stream once each of its subscriptions has said what there was: for platforms that hand on a response when it has ended. Like tRPC, it
 * waits for a first word however long that takes. Returns the frames of such a stream.
 */
export function createLastWord(
  frames: SubscriptionFrames,
  { clock, isSilent, end }: LastWordOptions,
): SubscriptionFrames {
  const elapsedMs = elapsedTime(clock)
  const spoken = new Set<string>()
  let firstAtMs: number | undefined

  function check(): void {
    if (isSilent(spoken) || elapsedMs() - (firstAtMs ?? 0) >= patienceMs) end()
    else clock.after(checkMs, check)
  }

  function speak(key: string): void {
    spoken.add(key)
    if (firstAtMs !== undefined) return
    firstAtMs = elapsedMs()
    clock.after(graceMs, check)
  }

  const spoke = <TArgs extends readonly unknown[]>(
    write: (key: string, ...args: TArgs) => Uint8Array,
  ) => {
    return (key: string, ...args: TArgs): Uint8Array => {
      speak(key)
      return write(key, ...args)
    }
  }

  return {
    ...frames,
    event: spoke(frames.event),
    value: spoke(frames.value),
    gap: spoke(frames.gap),
    complete: spoke(frames.complete),
    error: spoke(frames.error),
  }
}
