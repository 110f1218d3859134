import { isPlainObject } from '@trpc-sse/protocol'
import type { PublishResult } from '@trpc-sse/server'
import type { Command, CommandCall } from '../command.ts'
import { CliError, exitCodes, usageError } from '../exit-codes.ts'
import { parseJson } from '../json.ts'
import type { Options } from '../options.ts'
import { type RedisConnection, withRedis } from '../redis/connect.ts'
import { logKeyFrom } from '../redis/log-name.ts'
import { findLog, type OpenedLog } from '../redis/open-log.ts'
import { redisOptions } from '../redis/options.ts'
import { publishWithModule } from './publish-module.ts'

/** Publishes one event. */
export const publishCommand: Command = {
  name: 'publish',
  args: '<channel> [params]',
  argCount: [1, 2],
  summary: 'Publishes one event to a channel.',
  details: [
    'With --module, the channels of the app validate, encode and store the event, as in the app.',
    'Without it, nothing validates the event: what --data says is what subscribers get.',
  ],
  options: {
    data: { value: '<json>', help: 'the event, as JSON' },
    module: { value: '<file>', help: 'a module of the app that exports its channels' },
    'idempotency-key': { value: '<key>', help: 'a repeated publish with this key stores nothing' },
    create: { help: 'publish even if the channel has no log yet' },
    ...redisOptions,
  },
  run: async (call) => {
    const { options, print } = call
    const data = dataOf(options)
    const file = options.text('module')
    const { id, duplicate } = await (file === undefined
      ? publishRaw(call, data)
      : publishWithModule(call, { file, event: JSON.parse(data) }))
    const text = duplicate ? `${id}  (already published with this key)` : id
    print.result({ id, duplicate }, text)
    return exitCodes.ok
  },
}

/** The limit of `maxEventBytes` of a channel, unless the app changes it. */
const maxBytes = 262_144

/** Returns the event as JSON in its shortest form. */
function dataOf(options: Options): string {
  const text = options.text('data')
  if (text === undefined) throw usageError(`give the event as JSON: --data '{"text":"hello"}'.`)
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw usageError(`--data is not JSON (${(error as Error).message}). Quote it for your shell.`)
  }
  const data = JSON.stringify(value)
  if (Buffer.byteLength(data) <= maxBytes) return data
  throw usageError(`--data has more than ${maxBytes} bytes.`)
}

function publishRaw({ args, options, io }: CommandCall, data: string): Promise<PublishResult> {
  const key = logKeyFrom(args, options)
  return withRedis({ options, io }, async (connection) => {
    const opened = await findLog(connection, key)
    if (opened) await checkLog(connection, opened, data)
    else if (!options.flag('create')) throw new CliError(`${key} has no log yet. ${createAdvice}`)
    const log = opened?.log ?? { key, retain: { events: Number.MAX_SAFE_INTEGER, forMs: dayMs } }
    const idempotencyKey = options.text('idempotency-key')
    const keyOptions = idempotencyKey === undefined ? {} : { idempotencyKey }
    const { ids, duplicate } = await connection.backend.append(log, [data], keyOptions)
    return { id: ids[0] ?? '', duplicate }
  })
}

const dayMs = 86_400_000
const createAdvice = 'Check its name and params with trpc-sse channels, or add --create.'

/** Refuses events that subscribers could not read. */
async function checkLog(
  { backend }: RedisConnection,
  { facts, log }: OpenedLog,
  data: string,
): Promise<void> {
  if (facts.kind !== 'channel')
    throw new CliError(`${facts.key} is not a channel (${facts.kind}). Change it with the app.`)
  const { events } = await backend.read(log, { last: 1, limit: 1 })
  if (!isSuperjson(events[0]?.data) || isSuperjson(data)) return
  throw new CliError(
    'the events of this channel look like those of superjson. Use --module, or write {"json":…}.',
  )
}

function isSuperjson(text: string | undefined): boolean {
  try {
    const value = parseJson(text ?? '')
    if (!isPlainObject(value) || !('json' in value)) return false
    return Object.keys(value).every((key) => key === 'json' || key === 'meta')
  } catch {
    return false
  }
}
