/** How much is measured, and for how long. */
export interface Sizes {
  /** How often everything is measured: the results are medians. */
  readonly rounds: number
  readonly warmUpMs: number
  readonly loadMs: number
  readonly probeMs: number
  /** Numbers of subscribers in the fan-out. */
  readonly subscribers: readonly number[]
  /** Sizes of an event in the fan-out: the first one is everybody's. */
  readonly bytes: readonly number[]
  /** Events in each turn of the loop in the fan-out: the first is everybody's. */
  readonly perTick: readonly number[]
  /** Subscribers, or connections, where there is one number of them. */
  readonly crowd: number
  /** Subscriptions on each connection of the crowd. */
  readonly perConnection: number
  /** Connections that are open, and silent, while memory is measured. */
  readonly idle: number
  /** Connections that are opened and closed before that. */
  readonly idleWarmUp: number
  /** Events that each of the crowd has missed when all reconnect. */
  readonly behind: number
  /** Readers that stall, and events that are published meanwhile. */
  readonly stalled: number
  readonly stalledEvents: number
  readonly stalledBytes: number
  /** How long the healthy reader has to get them, and then the stalled ones. */
  readonly stalledMs: number
  /** Events that are published to Redis. */
  readonly publishes: number
  /** Publishes on their way. */
  readonly publishing: number
  /** Channels with one subscriber each. */
  readonly channels: number
}

const normal: Sizes = {
  rounds: 3,
  warmUpMs: 800,
  loadMs: 1_500,
  probeMs: 1_000,
  subscribers: [1, 100, 1_000, 5_000],
  bytes: [130, 4_096],
  perTick: [1, 8],
  crowd: 1_000,
  perConnection: 10,
  idle: 5_000,
  idleWarmUp: 500,
  behind: 100,
  stalled: 200,
  stalledEvents: 20_000,
  stalledBytes: 1_000,
  stalledMs: 40_000,
  publishes: 100_000,
  publishing: 1_000,
  channels: 5_000,
}

const quick: Sizes = {
  ...normal,
  rounds: 1,
  warmUpMs: 400,
  loadMs: 600,
  probeMs: 300,
  subscribers: [1, 100, 1_000],
  bytes: [130],
  idle: 2_000,
  stalled: 20,
  stalledEvents: 10_000,
  stalledMs: 10_000,
  publishes: 30_000,
  channels: 2_000,
}

const smoke: Sizes = {
  ...quick,
  warmUpMs: 20,
  loadMs: 50,
  probeMs: 50,
  subscribers: [3],
  perTick: [2],
  crowd: 5,
  perConnection: 2,
  idle: 20,
  idleWarmUp: 5,
  behind: 4,
  stalled: 2,
  stalledEvents: 100,
  publishes: 400,
  publishing: 100,
  channels: 6,
}

/** The sizes that there are, by name. */
export const sizes = { normal, quick, smoke } as const

/** One of them. */
export type SizeName = keyof typeof sizes
