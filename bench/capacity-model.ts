import type { Table } from './report.ts'
import type { Results } from './run.ts'

/** What things cost, as it was measured. */
export interface Costs {
  /**
   * CPU of the server, in µs: a delivery of an event that goes to a crowd, alone or with seven
   * others in its tick.
   */
  readonly crowdUs: number
  readonly batchedUs: number
  /** The same for an event that comes through Redis and goes to one subscriber. */
  readonly singleUs: number
  /** To open a connection; and one with a channel of its own, in Redis. */
  readonly openUs: number
  readonly openChannelUs: number
  /** RSS of a connection, in KB. */
  readonly connectionKb: number
  /**
   * CPU of Redis, in µs: a publish; one of many to the same channel at a time, which are stored
   * together; one with an idempotency key; to tell one process of it; a look at a log.
   */
  readonly publishUs: number
  readonly togetherUs: number
  readonly keyedUs: number
  readonly tellUs: number
  readonly checkUs: number
}

/** An app to plan for. */
export interface App {
  readonly name: string
  readonly connections: number
  readonly instances: number
  /** Channels that somebody reads, and in how many instances each is read. */
  readonly channels: number
  readonly instancesPerChannel: number
  /** Events that are published in a second, and how many subscribers each has. */
  readonly eventsPerSecond: number
  readonly subscribersPerEvent: number
}

/** What an app costs, CPU as a share of one core. */
export interface Load {
  readonly instanceCpu: number
  readonly instanceMb: number
  readonly redisPublish: number
  readonly redisTell: number
  readonly redisCheck: number
}

/**
 * How often an open channel's position is compared with its log's, in seconds: the default of
 * `createChannels`.
 */
const checkEveryS = 30
const core = 1_000_000
/** What a process holds in connections, in another unit. */
const kbPerMb = 1_024
const listeners = 50

/** Takes the costs from results. Throws if one isn't there. */
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
    tellUs: Math.max(0, publish(new RegExp(`heard by ${listeners} `)) - togetherUs) / listeners,
    checkUs: publish(/lastEventId/),
  }
}

/** What an app costs. */
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
  // An event that has one subscriber in an instance is not shared there, whatever it has in others.
  const shared = subscribersPerEvent / instancesPerChannel > 1
  return {
    instanceCpu: (deliveriesEach * (shared ? costs.crowdUs : costs.singleUs)) / core,
    instanceMb: ((connections / instances) * costs.connectionKb) / kbPerMb,
    redisPublish: (eventsPerSecond * costs.publishUs) / core,
    redisTell: (eventsPerSecond * instancesPerChannel * costs.tellUs) / core,
    redisCheck: (((channels * instancesPerChannel) / checkEveryS) * costs.checkUs) / core,
  }
}

/** The apps on the page: a million connections, on a hundred instances. */
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

/** The costs as a table, each with the scenario that gives it. */
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
    line('o₁', 'opening one with a channel of its own', costs.openChannelUs, 'µs', 'channels'),
    line('m', 'an open connection, RSS of the instance', costs.connectionKb, 'KB', 'idle'),
    line('p', 'a publish, CPU of Redis', costs.publishUs, 'µs', 'publish'),
    line('p₊', 'one of many to a channel at a time', costs.togetherUs, 'µs', 'publish'),
    line('pₖ', 'a publish with an idempotency key', costs.keyedUs, 'µs', 'publish'),
    line('t', 'telling one instance of an event, CPU of Redis', costs.tellUs, 'µs', 'publish'),
    line('c', 'a position check, CPU of Redis', costs.checkUs, 'µs', 'publish'),
  ]
}

/** What the apps cost, as a table. */
export function appTable(costs: Costs): Table {
  const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
  return [
    [
      '1,000,000 connections on 100 instances',
      'instance: core',
      'instance: MB',
      'Redis: publish',
      'tell',
      'check',
      'in all',
    ],
    ...apps.map((app) => {
      const load = loadOf(app, costs)
      const redis = [load.redisPublish, load.redisTell, load.redisCheck]
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
