import type { Table } from './report.ts'
import type { Results } from './run.ts'

/** Measured costs. */
export interface Costs {
  /**
   * CPU time of the server, in µs, for one delivery of an event with many subscribers: alone in its
   * tick, or as one of eight.
   */
  readonly crowdUs: number
  readonly batchedUs: number
  /** The same for an event from Redis with one subscriber. */
  readonly singleUs: number
  /** CPU time to open a connection, and to open one with its own channel in Redis. */
  readonly openUs: number
  readonly openChannelUs: number
  /** RSS of a connection, in KB. */
  readonly connectionKb: number
  /**
   * CPU time of Redis, in µs. In order: a publish; a publish that is stored together with others of
   * its channel; one with an idempotency key; notifying one process; a position check.
   */
  readonly publishUs: number
  readonly togetherUs: number
  readonly keyedUs: number
  readonly notifyUs: number
  readonly checkUs: number
}

/** An app to plan for. */
export interface App {
  readonly name: string
  readonly connections: number
  readonly instances: number
  /** Channels with subscribers, and the number of instances in which each has some. */
  readonly channels: number
  readonly instancesPerChannel: number
  /** Events published in a second, and the subscribers of each. */
  readonly eventsPerSecond: number
  readonly subscribersPerEvent: number
}

/** The load of an app. CPU is a share of one core. */
export interface Load {
  readonly instanceCpu: number
  readonly instanceMb: number
  readonly redisPublish: number
  readonly redisNotify: number
  readonly redisCheck: number
}

/** Seconds between two position checks of an open channel: the default of `createChannels`. */
const checkEveryS = 30
const core = 1_000_000
const kbPerMb = 1_024
const listeners = 50

/** Takes the costs from results. Throws if one is missing. */
export function costsOf(results: Results): Costs {
  const find = (scenario: string, title: RegExp, row: RegExp, name: string): number => {
    const cases = results.scenarios.find((one) => one.name === scenario)?.cases ?? []
    const rows = cases.find((one) => title.test(one.title))?.rows ?? []
    const value = rows.findLast((one) => row.test(one.name))?.figures[name]
    if (value === undefined) throw new Error(`These results have no ${name} of ${scenario}.`)
    return value
  }
  const publish = (row: RegExp): number => find('publish', /./, row, 'redisCpuUs')
  const togetherUs = publish(/^ours$/)
  return {
    crowdUs: find('fan-out', /^1,000 .* 1 event a tick, 130/, /^ours$/, 'cpuUsPerDelivery'),
    batchedUs: find('fan-out', /^1,000 .* 8 events a tick, 130/, /^ours$/, 'cpuUsPerDelivery'),
    // The last of these rows is the one with the most channels.
    singleUs: find('channels', /./, /^ours through Redis/, 'cpuUsPerEvent'),
    openChannelUs: find('channels', /./, /^ours through Redis/, 'openCpuUs'),
    openUs: find('idle', /./, /^ours$/, 'openCpuUs'),
    connectionKb: find('idle', /./, /^ours$/, 'rssKb'),
    publishUs: publish(/channels$/),
    togetherUs,
    keyedUs: publish(/idempotency key$/),
    notifyUs: Math.max(0, publish(new RegExp(`heard by ${listeners} `)) - togetherUs) / listeners,
    checkUs: publish(/lastEventId/),
  }
}

/** Computes the load of an app. */
export function loadOf(app: App, costs: Costs): Load {
  const {
    connections,
    instances,
    channels,
    instancesPerChannel,
    eventsPerSecond,
    subscribersPerEvent,
  } = app
  const deliveriesEach = (eventsPerSecond * subscribersPerEvent) / instances
  // With one subscriber in an instance, an event's cost is shared by no other delivery there.
  const shared = subscribersPerEvent / instancesPerChannel > 1
  return {
    instanceCpu: (deliveriesEach * (shared ? costs.crowdUs : costs.singleUs)) / core,
    instanceMb: ((connections / instances) * costs.connectionKb) / kbPerMb,
    redisPublish: (eventsPerSecond * costs.publishUs) / core,
    redisNotify: (eventsPerSecond * instancesPerChannel * costs.notifyUs) / core,
    redisCheck: (((channels * instancesPerChannel) / checkEveryS) * costs.checkUs) / core,
  }
}

/** The apps on the page: each has a million connections on a hundred instances. */
export const apps: readonly App[] = [
  {
    name: 'a ticker: 1 channel for all, 1 event/s',
    channels: 1,
    instancesPerChannel: 100,
    eventsPerSecond: 1,
    subscribersPerEvent: 1_000_000,
  },
  {
    name: '100,000 rooms of 10, an event each every 10 s',
    channels: 100_000,
    instancesPerChannel: 10,
    eventsPerSecond: 10_000,
    subscribersPerEvent: 10,
  },
  {
    name: '1,000,000 inboxes, an event each every minute',
    channels: 1_000_000,
    instancesPerChannel: 1,
    eventsPerSecond: 16_667,
    subscribersPerEvent: 1,
  },
].map((app) => ({ ...app, connections: 1_000_000, instances: 100 }))

/** The costs as a table, each with the scenario that measures it. */
export function costTable(costs: Costs): Table {
  const line = (
    letter: string,
    what: string,
    value: number,
    unit: string,
    scenario: string,
  ): string[] => [
    `**${letter}**`,
    what,
    `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`,
    `\`npm run bench -- --scenarios ${scenario}\``,
  ]
  return [
    ['', 'what', 'costs', 'measured by'],
    line('d', 'a delivery, CPU of the instance', costs.crowdUs, 'µs', 'fan-out'),
    line('d₈', 'the same, eight events in a tick', costs.batchedUs, 'µs', 'fan-out'),
    line('d₁', 'a delivery of an event that has one subscriber', costs.singleUs, 'µs', 'channels'),
    line('o', 'opening a connection, CPU of the instance', costs.openUs, 'µs', 'idle'),
    line('o₁', 'opening one with its own channel', costs.openChannelUs, 'µs', 'channels'),
    line('m', 'an open connection, RSS of the instance', costs.connectionKb, 'KB', 'idle'),
    line('p', 'a publish, CPU of Redis', costs.publishUs, 'µs', 'publish'),
    line('p₊', 'a publish that is stored together with others', costs.togetherUs, 'µs', 'publish'),
    line('pₖ', 'a publish with an idempotency key', costs.keyedUs, 'µs', 'publish'),
    line('t', 'notifying one instance, CPU of Redis', costs.notifyUs, 'µs', 'publish'),
    line('c', 'a position check, CPU of Redis', costs.checkUs, 'µs', 'publish'),
  ]
}

/** The loads of the apps, as a table. */
export function appTable(costs: Costs): Table {
  const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
  return [
    [
      '1,000,000 connections on 100 instances',
      'instance: core',
      'instance: MB',
      'Redis: publish',
      'notify',
      'check',
      'total',
    ],
    ...apps.map((app) => {
      const load = loadOf(app, costs)
      const redis = [load.redisPublish, load.redisNotify, load.redisCheck]
      const all = redis.reduce((sum, share) => sum + share, 0)
      return [
        app.name,
        percent(load.instanceCpu),
        load.instanceMb.toFixed(0),
        ...[...redis, all].map(percent),
      ]
    }),
  ]
}
