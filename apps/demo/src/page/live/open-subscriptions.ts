import { nextFrame } from './animation-frame.ts'
import type { Comparison } from './log-comparison.ts'
import { createStore } from './store.ts'
import type { SubscriptionState } from './subscription-state.ts'

/** A subscription while it is open. */
export interface OpenSubscription {
  /** Unique for the lifetime of the page. */
  readonly id: number
  /** The procedure's path. */
  readonly path: string
  /** The state at this moment; stores show it with the next frame. */
  readonly now: SubscriptionState<unknown>
  /** Compares the arrived events with the log, and counts the events after `lastEventId`. */
  check(lastEventId: string | undefined): Promise<Comparison>
}

/** An open subscription as components see it. */
export interface SubscriptionReport {
  readonly id: number
  readonly path: string
  readonly state: SubscriptionState<unknown>
}

const open = new Set<OpenSubscription>()
const observers = new Set<() => void>()

let lastId = 0

/** Returns an id for a subscription, unique for the lifetime of the page. */
export function nextId(): number {
  lastId += 1
  return lastId
}

/** Reports of all open subscriptions, renewed at most once a frame. */
export const subscriptionReports = createStore<readonly SubscriptionReport[]>([])

/** Lists the open subscriptions. */
export function openSubscriptions(): readonly OpenSubscription[] {
  return [...open]
}

/** Calls back whenever a subscription opens, closes, is lost or goes live. */
export function observeConnections(observer: () => void): void {
  observers.add(observer)
}

/** Registers a subscription that has opened. */
export function subscriptionOpened(subscription: OpenSubscription): void {
  open.add(subscription)
  connectionChanged()
  stateChanged()
}

/** Removes a subscription that has closed. */
export function subscriptionClosed(subscription: OpenSubscription): void {
  open.delete(subscription)
  connectionChanged()
  stateChanged()
}

/** Notifies observers that a subscription's connection changed. */
export function connectionChanged(): void {
  for (const observer of observers) observer()
}

/** Schedules new reports. */
export function stateChanged(): void {
  nextFrame(report)
}

function report(): void {
  subscriptionReports.set(
    openSubscriptions().map(({ id, path, now }) => ({ id, path, state: now })),
  )
}
