import type { IncomingMessage } from 'node:http'
import { RealtimeError } from '@trpc-sse/protocol'
import type { Inspection, Inspector } from '../link/inspection.ts'
import { createInspector } from '../link/inspectors.ts'
import type { LinkParts } from '../link/link-parts.ts'
import { type Allow, isProduction, processName } from './access.ts'
import { InspectedFleet } from './fleet.ts'
import { Instance } from './instance.ts'
import type { Action } from './messages.ts'
import { InspectorServer } from './serve.ts'

/** What the app's functions get about a request to the inspector. */
export interface InspectorAccess<TContext> {
  /** The result of `createContext`. */
  readonly ctx: TContext
  /** The request that the link got. */
  readonly req: IncomingMessage | Request
}

/** An action of a user of the inspector. */
export interface InspectorAction<TContext> extends InspectorAccess<TContext> {
  /**
   * The action: an event to publish, a drill for a stream, or `interrupt`, which drops the
   * connection for notifications.
   */
  readonly action: Action
  /** The id of the instance that is to do it; `''` for the one that got the request. */
  readonly instance: string
}

/** Options of {@link inspector}. */
export interface InspectorOptions<TContext> {
  /**
   * Returns whether a request may use the inspector. Called for every request, and for each action.
   * Anything but `true` refuses the request, as does an error, or no result within 5 seconds.
   *
   * @default none: the inspector is off if NODE_ENV is `production`. If it is `development`, it
   *   answers browsers on the same machine only. Otherwise, it refuses all
   */
  readonly allow?: (about: InspectorAccess<TContext>) => boolean | Promise<boolean>
  /** Called before each action, for an audit log. What it throws goes to the console. */
  readonly onAction?: (about: InspectorAction<TContext>) => unknown
  /**
   * The name of this instance in the list of instances.
   *
   * @default the environment variable HOSTNAME, and the id of the process
   */
  readonly name?: string
}

/**
 * Creates the inspector for the option `inspector` of a link. The link then serves a page at
 * `~inspector` below its endpoint. Users of the page see keys, addresses and events, and can publish
 * and cut streams, so `allow` must admit operators only.
 *
 * @throws `INVALID_OPTION` if an option has the wrong type.
 */
export function inspector<TContext>(options: InspectorOptions<TContext> = {}): Inspector<TContext> {
  checkOptions(options)
  return createInspector<TContext>((parts) => attach(parts, options))
}

function checkOptions({ allow, onAction, name }: InspectorOptions<never>): void {
  const isFunction = (value: unknown): boolean => value === undefined || typeof value === 'function'
  // Without `allow`, anybody on the machine is let in: that must not be a typing error.
  if (!isFunction(allow) || !isFunction(onAction))
    throw new RealtimeError('INVALID_OPTION', 'inspector(): allow and onAction must be functions.')
  if (name !== undefined && typeof name !== 'string')
    throw new RealtimeError('INVALID_OPTION', 'inspector(): name must be a string.')
}

const off: Inspection = {
  isFor: () => false,
  serve: () => Promise.resolve(new Response(null, { status: 404 })),
}

function attach<TContext>(parts: LinkParts, options: InspectorOptions<TContext>): Inspection {
  const { name = processName(), onAction } = options
  // The context is the one that the same app's `createContext` returns.
  const allow = options.allow as Allow | undefined
  if (!allow && isProduction()) return off
  const { clock, channels } = parts
  const instance = new Instance(parts)
  const fleet = new InspectedFleet(
    {
      name,
      async answer(query) {
        return query.type === 'instances' ? [] : await instance.answer(query)
      },
      summary: (askSelf) => instance.summary(askSelf),
    },
    channels?.backend,
    clock,
  )
  const server = new InspectorServer({
    allow,
    onAction: onAction as ((about: object) => unknown) | undefined,
    fleet,
    clock,
  })
  return { isFor: isInspectorPath, serve: (request) => server.serve(request) }
}

const path = '~inspector'

/** Whether a path is the inspector's. Some proxies percent-encode it. */
function isInspectorPath(given: string): boolean {
  return given === path || given.replace(/%7e/gi, '~') === path
}
