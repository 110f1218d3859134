import { lastCheck } from './log-checks.ts'
import { observeConnections, openStreams } from './open-subscriptions.ts'
import { createStore } from './store.ts'
import type { Stream } from './subscription.ts'
import type { Counts } from './subscription-state.ts'

/** What the page knows about its last loss. */
export type Recovery =
  | { readonly phase: 'none' }
  /** Streams are lost, since a moment in milliseconds since 1970. */
  | { readonly phase: 'away'; readonly since: number }
  /** All streams are back, and what arrived is being compared with the log. */
  | { readonly phase: 'checking'; readonly since: number }
  | { readonly phase: 'caught-up'; readonly report: RecoveryReport }

/** What came of a loss. */
export interface RecoveryReport extends Omit<Counts, 'received'> {
  /** Events that were published meanwhile. */
  readonly events: number
  readonly awayMs: number
  /** When it was over. */
  readonly at: number
}

export const recovery = createStore<Recovery>({ phase: 'none' })

type Marks = ReadonlyMap<
  Stream,
  { readonly lastEventId: string | undefined; readonly counts: Counts }
>

let marks: Marks = new Map()

/** Watches all streams: notes where they stood when they were lost, and checks that everything came after all. */
export function watchForLosses(): void {
  observeConnections(review)
}

function review(): void {
  const state = recovery.get()
  const someLost = openStreams().some(({ now }) => now.connection === 'lost')
  // Lost again before the check was over: it is still the same absence.
  if (someLost && state.phase === 'checking') recovery.set({ phase: 'away', since: state.since })
  else if (someLost && state.phase !== 'away') begin()
  else if (!someLost && state.phase === 'away') finish(state.since)
}

function begin(): void {
  marks = new Map(openStreams().map((stream) => [stream, stream.now]))
  recovery.set({ phase: 'away', since: Date.now() })
}

function finish(since: number): void {
  const checking: Recovery = { phase: 'checking', since }
  recovery.set(checking)
  checkAll(Date.now() - since).then(
    (report) => {
      lastCheck.set(Date.now())
      if (recovery.get() === checking) recovery.set({ phase: 'caught-up', report })
    },
    () => {
      if (recovery.get() !== checking) return
      // The streams are back, but the log can't be asked yet.
      recovery.set({ phase: 'away', since })
      setTimeout(review, 1_000)
    },
  )
}

async function checkAll(awayMs: number): Promise<RecoveryReport> {
  const marked = [...marks].filter(([stream]) => openStreams().includes(stream))
  const checks = await Promise.all(
    marked.map(([stream, { lastEventId }]) => stream.check(lastEventId)),
  )
  const more = (what: keyof Counts): number =>
    sum(marked.map(([{ now }, { counts }]) => now.counts[what] - counts[what]))
  return {
    events: sum(checks.map(({ events }) => events)),
    missing: more('missing'),
    repeated: more('repeated'),
    gaps: more('gaps'),
    awayMs,
    at: Date.now(),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
