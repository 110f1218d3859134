import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isPlainObject } from '@trpc-sse/protocol'
import { isRealtimeError, type PublishResult } from '@trpc-sse/server'
import type { CommandCall } from '../command.ts'
import { CliError } from '../exit-codes.ts'
import { parseParams } from '../redis/log-name.ts'

/** What to publish with the channels of an app. */
export interface ModulePublish {
  readonly file: string
  readonly event: unknown
}

/** Publishes as the app does: with its schema, transformer, retention and backend. */
export async function publishWithModule(
  { args: [name = '', params], options, io }: CommandCall,
  { file, event }: ModulePublish,
): Promise<PublishResult> {
  if (options.has('redis') || options.has('prefix'))
    throw new CliError('--module uses the Redis of the app: leave out --redis and --prefix.')
  const channels = findChannels(await load(resolve(io.cwd, file)), name)
  if (!channels) throw new CliError(`${file} exports no channels that have ${name}.`)
  try {
    const key = options.text('idempotency-key')
    const handle = channels.open(params === undefined ? undefined : parseParams(params))
    return await handle.publish(event, key === undefined ? {} : { idempotencyKey: key })
  } catch (error) {
    throw withIssues(error)
  } finally {
    await channels.close()
  }
}

interface OpenChannel {
  open(params: unknown): PublishHandle
  close(): Promise<void>
}

interface PublishHandle {
  publish(event: unknown, options: { readonly idempotencyKey?: string }): Promise<PublishResult>
}

async function load(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const advice = /\.[cm]?tsx?$/.test(path) ? ' For TypeScript, use Node 22.18 or newer.' : ''
    throw new CliError(`can't load the module: ${why}.${advice}`)
  }
}

/** Finds what `createChannels` returned among the exports of a module. */
function findChannels(
  exports: Readonly<Record<string, unknown>>,
  name: string,
): OpenChannel | undefined {
  for (const value of Object.values(exports)) {
    if (!isPlainObject(value) || !Object.hasOwn(value, name)) continue
    const { [name]: open, close } = value
    if (name === 'close' || typeof open !== 'function' || typeof close !== 'function') continue
    return {
      async close() {
        await close()
      },
      open(params) {
        const handle: unknown = open(params)
        if (canPublish(handle)) return handle
        throw new CliError(`${name} is a run or a state channel. Change it with the app.`)
      },
    }
  }
  return undefined
}

function canPublish(handle: unknown): handle is PublishHandle {
  return isPlainObject(handle) && typeof handle.publish === 'function'
}

/** Adds what the schema says to the message. */
function withIssues(error: unknown): unknown {
  if (!isRealtimeError(error) || error.issues.length === 0) return error
  const issues = error.issues.map(
    ({ path, message }) => `${path?.map(String).join('.') || 'event'}: ${message}`,
  )
  return new CliError([error.message, ...issues].join('; '))
}
