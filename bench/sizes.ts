/** The amount and duration of measurements. */
export interface Sizes {
  /** The number of measurements of everything; results are medians. */
  readonly rounds: number
  readonly warmUpMs: number
  readonly loadMs: number
  readonly probeMs: number
  /** Numbers of subscribers in the fan-out. */
  readonly subscribers: readonly number[]
  /** Sizes of an event in the fan-out. All other scenarios use the first. */
  readonly bytes: readonly number[]
  /** Events in each turn of the loop in the fan-out. All targets are measured with the first. */
  readonly perTick: readonly number[]
  /** Subscribers, or connections, of scenarios that use one number. */
  readonly crowd: number
  /** Subscriptions on each connection of the crowd. */
  readonly perConnection: number
  /** Connections that are open, and silent, while memory is measured. */
  readonly idle: number
  /** Connections that are opened and closed before memory is measured. */
  readonly idleWarmUp: number
  /** Events that each client has missed when all reconnect. */
  readonly behind: number
  /** Readers that stall, and events that are published meanwhile. */
  readonly stalled: number
  readonly stalledEvents: number
  readonly stalledBytes: number
  /** The time that the healthy reader has for these events, before the stalled ones continue. */
  readonly stalledMs: number
  /** Events that are published to Redis. */
  readonly publishes: number
  /** Publishes in flight. */
  readonly publishing: number
  /** Channels with one subscriber each. */
  readonly channels: number
  /** Deltas of an answer. */
  readonly runDeltas: number
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
  runDeltas: 1_000,
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
  runDeltas: 500,
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
  runDeltas: 20,
}

/** The available sizes, by name. */
export const sizes = { normal, quick, smoke } as const

/** The name of a set of sizes. */
export type SizeName = keyof typeof sizes
