import { lastCheck } from './log-checks.ts'
import {
  type OpenSubscription,
  observeConnections,
  openSubscriptions,
} from './open-subscriptions.ts'
import { createStore } from './store.ts'
import type { Counts, SubscriptionState } from './subscription-state.ts'

/** The page's information about its last disconnection. */
export type Recovery =
  | { readonly phase: 'none' }
  /** Subscriptions are lost. `since` is the time of the loss, in milliseconds since 1970. */
  | { readonly phase: 'away'; readonly since: number }
  /** All subscriptions are live again, and the arrived events are being compared with the log. */
  | { readonly phase: 'checking'; readonly since: number }
  | { readonly phase: 'caught-up'; readonly report: RecoveryReport }

/** The outcome of a disconnection. */
export interface RecoveryReport extends Omit<Counts, 'received'> {
  /** Events that were published while the page was disconnected. */
  readonly events: number
  readonly awayMs: number
}

export const recovery = createStore<Recovery>({ phase: 'none' })

/** Each subscription with its state when the connection was lost. */
type Marks = ReadonlyMap<OpenSubscription, SubscriptionState<unknown>>

let marks: Marks = new Map()

/** Notes the positions of subscriptions when they are lost, and verifies that they caught up. */
export function watchForLosses(): void {
  observeConnections(review)
}

function review(): void {
  const state = recovery.get()
  const someLost = openSubscriptions().some(({ now }) => now.connection === 'lost')
  // Lost again before the check was over, so the same disconnection continues.
  if (someLost && state.phase === 'checking') recovery.set({ phase: 'away', since: state.since })
  else if (someLost && state.phase !== 'away') begin()
  else if (!someLost && state.phase === 'away') finish(state.since)
}

function begin(): void {
  marks = new Map(openSubscriptions().map((subscription) => [subscription, subscription.now]))
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
      // Subscriptions are live again, but the log can't be read yet.
      recovery.set({ phase: 'away', since })
      setTimeout(review, 1_000)
    },
  )
}

async function checkAll(awayMs: number): Promise<RecoveryReport> {
  const marked = [...marks].filter(([subscription]) => openSubscriptions().includes(subscription))
  const checks = await Promise.all(
    marked.map(([subscription, { lastEventId }]) => subscription.check(lastEventId)),
  )
  const more = (what: keyof Counts): number =>
    sum(marked.map(([{ now }, { counts }]) => now.counts[what] - counts[what]))
  return {
    events: sum(checks.map(({ events }) => events)),
    missing: more('missing'),
    repeated: more('repeated'),
    gaps: more('gaps'),
    awayMs,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
