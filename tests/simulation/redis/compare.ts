import { inspect } from 'node:util'
import { redisBackend } from '@trpc-sse/redis'
import { isRealtimeError, systemClock } from '@trpc-sse/server'
import type { Redis } from 'ioredis'
import type { RedisServer } from '../../support/redis.ts'
import { type Chance, chanceFor } from '../chance.ts'
import { createClient } from './connector.ts'
import { randomCall } from './random-calls.ts'
import { randomCommand, randomScript } from './random-commands.ts'
import { Session } from './session.ts'
import { InProcessSocket } from './socket.ts'
import { type Difference, Twin } from './twin.ts'

/** What a comparison has shown. */
export interface Comparison {
  readonly sequences: number
  readonly commands: number
  /** The first of each sequence, with its seed. */
  readonly differences: ReadonlyArray<Difference & { readonly seed: number }>
}

/** When a comparison ends. */
export interface CompareOptions {
  readonly from: number
  readonly sequences: number
  /** No sequence starts after this many milliseconds. */
  readonly forMs: number
}

/**
 * Runs random sequences on a real Redis, which is emptied, and on the model beside it. Every second
 * one is made of calls of the Redis backend, the others of single commands and scripts.
 */
export async function compareWithRedis(
  { admin }: RedisServer,
  { from, sequences, forMs }: CompareOptions,
): Promise<Comparison> {
  const redis = admin.duplicate({ protocol: 2 })
  const differences: Array<Difference & { readonly seed: number }> = []
  const startMs = performance.now()
  let [count, commands] = [0, 0]
  while (count < sequences && performance.now() - startMs < forMs) {
    const seed = from + count++
    for (let run = 1; run <= mostRuns; run++) {
      const twin = new Twin(redis)
      await runSequence(twin, redis, seed)
      commands += twin.commands
      const [difference] = twin.differences
      if (!difference) break
      if (run === mostRuns) differences.push({ ...difference, seed })
    }
  }
  redis.disconnect()
  return { sequences: count, commands, differences }
}

/** Describes a comparison, with the first differences. */
export function describeComparison({ sequences, commands, differences }: Comparison): string {
  const first = differences
    .slice(0, 3)
    .map(({ seed, command, redis, model }) =>
      [
        `sequence ${seed}: ${show(command)}`,
        `  Redis: ${show(redis)}`,
        `  model: ${show(model)}`,
      ].join('\n'),
    )
  const summary = `${sequences} sequences of ${commands} commands, ${differences.length} differences`
  return [summary, ...first].join('\n')
}

function show(value: unknown): string {
  return inspect(value, { depth: 4, maxStringLength: 200, breakLength: 100 })
}

/**
 * A difference of the model comes each time. One that the clock of Redis has made, by a
 * millisecond that ended within a command, doesn't.
 */
const mostRuns = 5

async function runSequence(twin: Twin, redis: Redis, seed: number): Promise<void> {
  await Promise.all([redis.flushall(), redis.script('FLUSH')])
  const chance = chanceFor(seed, 'commands')
  if (seed % 2 === 0) await runCalls(twin, chance)
  else await runCommands(twin, redis, chance)
}

async function runCommands(twin: Twin, redis: Redis, chance: Chance): Promise<void> {
  const subscriber = redis.duplicate()
  try {
    await twin.listen(subscriber, 'channel')
    for (let left = chance.between(20, 300); left > 0; left--)
      await twin.run(chance.is(0.8) ? randomCommand(chance) : randomScript(chance))
    await twin.end(subscriber)
  } finally {
    subscriber.disconnect()
  }
}

/** Runs the Redis backend on both. Some of its replies are lost with their connection. */
async function runCalls(twin: Twin, chance: Chance): Promise<void> {
  const client = createClient(() => connect(twin, chance))
  const backend = redisBackend({ redis: client }, { onError() {} })
  try {
    const ids: string[] = []
    for (let left = chance.between(5, 40); left > 0; left--)
      await callSafely(() => randomCall(backend, chance, ids))
  } finally {
    await backend.close()
    await twin.end()
  }
}

/** Calls may fail, as both servers refuse the same ones. */
async function callSafely(call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!isRealtimeError(error)) throw error
  }
}

function connect(twin: Twin, chance: Chance): InProcessSocket {
  const server = {
    async run(command: readonly string[]) {
      const reply = await twin.run(command)
      if (chance.is(0.01)) socket.destroy()
      return reply
    },
    subscribe: () => () => {},
  }
  const session = new Session(server, (bytes) => socket.receive(bytes))
  const wire = {
    send: (bytes: string) => void setImmediate(() => session.receive(bytes)),
    close: () => void setImmediate(() => socket.endByServer()),
  }
  const socket = new InProcessSocket(wire, systemClock)
  setImmediate(() => socket.open())
  return socket
}
