import type { Clock } from '@trpc-sse/protocol'
import type { OfflineSwitch } from '../network/offline.ts'
import type { Recorder } from '../record/recorder.ts'
import type { SubscriptionRecord } from '../record/records.ts'

/** What a panel shows and controls. */
export interface PanelContext {
  readonly recorder: Recorder
  readonly offline: OfflineSwitch
  readonly cut: (request: number) => void
  readonly clock: Clock
}

/** What the user of a panel has chosen. */
export interface PanelChoices {
  /** The text to look for, in lower case. */
  filter: string
  /** Only this subscription's entries are shown in the timeline. */
  selected: SubscriptionRecord | undefined
  isPaused: boolean
}

/** A part of a panel. */
export interface View {
  readonly element: HTMLElement
  render(): void
}

/** The number of rows that a list shows. */
export const maxRows = 100
