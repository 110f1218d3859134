import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import { RedisModel } from './redis-model.ts'
import { CommandError, type Reply, Status } from './reply.ts'

/** A command after which the model wasn't as Redis: its reply, or what it left. */
export interface Difference {
  readonly command: readonly string[]
  readonly redis: unknown
  readonly model: unknown
}

/** What Redis replied to commands that it ran in one step, and its clock before and after them. */
interface Step {
  readonly beforeMs: number
  readonly afterMs: number
  readonly replies: readonly Reply[]
}

/** How the clock goes during a command: it may tick after it was read so many times. */
interface ClockReadings {
  readonly atMs: number
  readonly ticksAfter: number
}

/** The keys are compared by these: the type, the expiry, and all that a key of any type holds. */
const inspections = [
  ['TYPE'],
  ['PEXPIRETIME'],
  ['GET'],
  ['XRANGE', '-', '+'],
  ['HGETALL'],
  ['ZRANGE', '0', '-1', 'WITHSCORES'],
] as const
/** How far apart two readings of the clock of Redis can be that should be one. */
const clockBlurMs = 50

/** A real Redis and the model beside it: each command runs on both, and they are compared. */
export class Twin {
  readonly differences: Difference[] = []
  commands = 0
  readonly #redis: Redis
  readonly #model: RedisModel
  #clock: ClockReadings = { atMs: 0, ticksAfter: Infinity }
  #reads = 0
  /** What the model has published, and what arrived from Redis. */
  readonly #published: string[] = []
  readonly #arrived: string[] = []

  /** @param redis A client of a Redis that nobody else uses, which speaks RESP2. */
  constructor(redis: Redis) {
    this.#redis = redis
    this.#model = new RedisModel({ nowMicros: () => this.#nowMicros() })
  }

  /** Compares what is published to a channel, too. */
  async listen(subscriber: Redis, channel: string): Promise<void> {
    subscriber.on('messageBuffer', (_, message: Buffer) =>
      this.#arrived.push(message.toString('latin1')),
    )
    await subscriber.subscribe(channel)
    this.#model.subscribe(channel, (message) => this.#published.push(message))
  }

  /** Runs a command on both; returns the reply of Redis. */
  async run(command: readonly string[]): Promise<Reply> {
    const { beforeMs, afterMs, replies } = await this.#runOnRedis([command])
    const [reply = null] = replies
    const expected = comparable(reply)
    const keys = this.#model.snapshot()
    const published = this.#published.length
    let actual: unknown
    // Redis reads its clock several times for one command, and a millisecond may end in between.
    for (const clock of this.#clocks(beforeMs, afterMs)) {
      this.#setClock(clock)
      actual = comparable(this.#model.run(command))
      if (isDeepStrictEqual(actual, expected)) break
      this.#model.restore(keys.clone())
      this.#published.length = published
    }
    this.commands += 1
    if (!isDeepStrictEqual(actual, expected))
      this.differences.push({ command, redis: expected, model: actual })
    return reply
  }

  /** Compares all keys, and what was published once all of it has arrived. */
  async end(subscriber?: Redis): Promise<void> {
    await this.#compareKeys()
    await subscriber?.ping()
    const [redis, model] = [this.#arrived, this.#published]
    if (!isDeepStrictEqual(redis, model))
      this.differences.push({ command: ['(messages)'], redis, model })
  }

  *#clocks(beforeMs: number, afterMs: number): Generator<ClockReadings> {
    yield { atMs: beforeMs, ticksAfter: Infinity }
    const reads = this.#reads
    for (let atMs = afterMs; atMs >= beforeMs - 1; atMs--)
      for (let ticksAfter = 1; ticksAfter <= reads; ticksAfter++) yield { atMs, ticksAfter }
  }

  #setClock(clock: ClockReadings): void {
    this.#clock = clock
    this.#reads = 0
  }

  #nowMicros(): number {
    const { atMs, ticksAfter } = this.#clock
    return (atMs + Number(this.#reads++ >= ticksAfter)) * 1_000
  }

  async #runOnRedis(commands: ReadonlyArray<readonly string[]>): Promise<Step> {
    const transaction = this.#redis.multi().callBuffer('TIME')
    for (const [name = '', ...args] of commands)
      transaction.callBuffer(
        name,
        args.map((text) => Buffer.from(text, 'latin1')),
      )
    const results = await transaction.callBuffer('TIME').exec()
    if (!results) throw new Error('Redis ran no transaction.')
    const replies = results.map(([error, value]) => toReply(error ?? value))
    return {
      beforeMs: toMs(replies.at(0)),
      afterMs: toMs(replies.at(-1)),
      replies: replies.slice(1, -1),
    }
  }

  async #compareKeys(): Promise<void> {
    const { replies: lists } = await this.#runOnRedis([['KEYS', '*']])
    const names = new Set([...[lists[0]].flat().map(String), ...this.#model.names()])
    const commands = [...names].flatMap((name) =>
      inspections.map(([command, ...args]) => [command, name, ...args]),
    )
    const { beforeMs, replies } = await this.#runOnRedis(commands)
    this.#setClock({ atMs: beforeMs, ticksAfter: Infinity })
    for (const [i, command] of commands.entries()) {
      const redis = comparable(replies[i] ?? null)
      const model = comparable(this.#model.run(command))
      if (!isSameState(command, redis, model)) this.differences.push({ command, redis, model })
    }
  }
}

/** Whether an inspection of a key shows the same on both. */
function isSameState([name]: readonly string[], redis: unknown, model: unknown): boolean {
  if (name === 'PEXPIRETIME' && Number(redis) > 0 && Number(model) > 0)
    return Math.abs(Number(redis) - Number(model)) < clockBlurMs
  // The fields of a hash have no order.
  if (name === 'HGETALL' && Array.isArray(redis) && Array.isArray(model))
    return isDeepStrictEqual(toSortedPairs(redis), toSortedPairs(model))
  return isDeepStrictEqual(redis, model)
}

function toSortedPairs(list: readonly unknown[]): string[] {
  return list.flatMap((text, i) => (i % 2 === 0 ? [`${text}=${list[i + 1]}`] : [])).sort()
}

function toMs(time: Reply | undefined): number {
  const [seconds, micros] = Array.isArray(time) ? time.map(Number) : []
  return (seconds ?? 0) * 1_000 + Math.floor((micros ?? 0) / 1_000)
}

/** What ioredis made of a reply, as the model has it. */
export function toReply(value: unknown): Reply {
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (Array.isArray(value)) return value.map(toReply)
  if (value instanceof Error) return new CommandError(value.message)
  return typeof value === 'number' || typeof value === 'string' ? value : null
}

/** A reply without what differs for good reason: where in a script an error was. */
export function comparable(reply: Reply): unknown {
  if (reply instanceof CommandError) return { error: reply.message.replace(/ script: .*/s, '') }
  if (reply instanceof Status) return reply.text
  return Array.isArray(reply) ? reply.map((each) => comparable(each)) : reply
}
