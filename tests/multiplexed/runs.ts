import type { TRPCClient } from '@trpc/client'
import { createTRPCClient } from '@trpc/client'
import { type SseGap, type SseLinkBaseOptions, sseLink } from '@trpc-sse/client'
import { expect, vi } from 'vitest'
import type { LogRouter } from './router.ts'

/** The number of the newest event that was passed to `publish`, by log. */
export type Published = Map<string, number>

/** One subscription, and everything that was reported about it. */
export interface Run {
  readonly name: string
  readonly numbers: readonly number[]
  readonly states: readonly string[]
  readonly errors: readonly unknown[]
  /** The first number that it must not miss. */
  readonly mustHave: number
  unsubscribe(): void
}

/** A client, and the runs of its subscriptions. */
export interface Runner {
  readonly client: TRPCClient<LogRouter>
  readonly gaps: readonly SseGap[]
  readonly runs: readonly Run[]
  start(name: string): Run
  /** Waits until all of these run. */
  allStarted(live: Iterable<Run>): Promise<void>
  /** Waits until all of these have their log's newest number. */
  caughtUp(live: Iterable<Run>): Promise<void>
}

/** Creates a client that follows logs. */
export function createRunner(published: Published, options: SseLinkBaseOptions): Runner {
  const gaps: SseGap[] = []
  const runs: Run[] = []
  const client = createTRPCClient<LogRouter>({
    links: [
      sseLink({ retry: { baseMs: 20, maxMs: 200 }, onGap: (gap) => gaps.push(gap), ...options }),
    ],
  })
  return {
    client,
    gaps,
    runs,
    start(name) {
      const numbers: number[] = []
      const states: string[] = []
      const errors: unknown[] = []
      let mustHave = Infinity
      const { unsubscribe } = client.onNumber.subscribe(
        { name },
        {
          onStarted() {
            // A subscription that has started gets every event that is published from now on.
            mustHave = Math.min(mustHave, (published.get(name) ?? 0) + 1)
          },
          onData: ({ data }) => numbers.push(data),
          onError: (error) => errors.push(error),
          onConnectionStateChange: ({ state }) => states.push(state),
        },
      )
      const run: Run = {
        name,
        numbers,
        states,
        errors,
        unsubscribe,
        get mustHave() {
          return mustHave
        },
      }
      runs.push(run)
      return run
    },
    async allStarted(live) {
      const waiting = (): string[] =>
        [...live].filter(({ states }) => states.at(-1) !== 'pending').map(({ name }) => name)
      await vi.waitFor(() => expect(waiting()).toEqual([]), { timeout: 10_000, interval: 10 })
    },
    async caughtUp(live) {
      const behind = (): string[] =>
        [...live]
          .filter(({ name, numbers }) => numbers.at(-1) !== published.get(name))
          .map(
            ({ name, numbers, states }) =>
              `${name}: ${numbers.at(-1)} of ${published.get(name)}, ${states.at(-1)}`,
          )
      await vi.waitFor(() => expect(behind()).toEqual([]), { timeout: 10_000, interval: 10 })
    },
  }
}

/**
 * Checks that a subscription received one contiguous run from its start: each number once, in
 * order.
 */
export function checkRun(
  { name, numbers, mustHave, errors }: Run,
  history: readonly number[],
): void {
  expect(errors, name).toEqual([])
  const [first] = numbers
  if (first === undefined) return
  expect(first, `${name} misses numbers from its start`).toBeLessThanOrEqual(mustHave)
  const from = history.indexOf(first)
  expect(numbers, name).toEqual(history.slice(from, from + numbers.length))
}
