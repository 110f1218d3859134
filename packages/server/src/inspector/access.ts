import type { Clock } from '@trpc-sse/protocol'
import type { InspectorRequest } from '../link/inspection.ts'
import { logToConsole } from '../user-code/calls.ts'
import { within } from '../user-code/within.ts'
import { allowMs } from './bounds.ts'

/** The app's check. Only `true` lets a request pass. */
export type Allow = (about: { ctx: unknown; req: InspectorRequest['req'] }) => unknown

/** Whether a request may use the inspector, and what is known about its sender. */
export type Access =
  | { readonly allowed: true; readonly ctx: unknown }
  | { readonly allowed: false; readonly message: string }

/**
 * Asks the app whether a request may use the inspector. A check that throws, rejects, returns
 * anything but `true` or takes too long refuses it.
 */
export async function checkAccess(
  allow: Allow | undefined,
  request: InspectorRequest,
  clock: Clock,
): Promise<Access> {
  if (!allow) return isLocal(request) ? { allowed: true, ctx: undefined } : notLocal
  const refused: Access = {
    allowed: false,
    message: 'The inspector’s `allow` refused this request.',
  }
  try {
    return await within(clock, allowMs, ask(allow, request), isLate)
  } catch (error) {
    logToConsole('trpc-sse: createContext or allow of the inspector failed', error)
    return refused
  }
}

async function ask(allow: Allow, request: InspectorRequest): Promise<Access> {
  const ctx = await request.createContext()
  if ((await allow({ ctx, req: request.req })) === true) return { allowed: true, ctx }
  return { allowed: false, message: 'The inspector’s `allow` refused this request.' }
}

function isLate(): Error {
  return new Error(`createContext and allow took longer than ${allowMs} ms.`)
}

interface Runtime {
  readonly process?: {
    readonly pid?: number
    readonly env?: Readonly<Record<string, string | undefined>>
  }
}

const { process } = globalThis as Runtime

/** Whether the app runs in production. */
export function isProduction(): boolean {
  return process?.env?.NODE_ENV === 'production'
}

/** Returns a name for this process: its host, if that is known, and its id. */
export function processName(): string {
  const { pid, env } = process ?? {}
  return [env?.HOSTNAME, pid].filter((part) => part !== undefined).join(':') || 'instance'
}

const notLocal: Access = {
  allowed: false,
  message:
    'Without `allow`, the inspector answers only a browser on this machine, at localhost, with NODE_ENV=development. Give it the app’s own check: inspector({ allow: ({ ctx }) => ctx.user.isAdmin }).',
}

/**
 * Whether a request comes from this machine. The name in the URL must be local too: any site can
 * give its own name the address of this machine. A proxy on a server can give requests from anywhere
 * a local name and address, as nginx does by default. So NODE_ENV must say that this is no server.
 */
function isLocal({ url, peer, header }: InspectorRequest): boolean {
  const forwarded = header('x-forwarded-for')?.split(',') ?? []
  const environment = process?.env?.NODE_ENV
  const isDevelopment = environment === 'development'
  return (
    (isDevelopment || environment === 'test') &&
    isLocalName(url.hostname) &&
    (peer === undefined ? isDevelopment : isLoopback(peer)) &&
    forwarded.every((address) => isLoopback(address.trim()))
  )
}

function isLocalName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || isLoopback(name)
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$|^\[?::1\]?$/.test(address)
}
