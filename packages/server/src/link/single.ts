import type { TRPCError } from '@trpc/server'
import { errorOf } from './call/errors.ts'
import { callProcedure, sendResult } from './call/send-result.ts'
import {
  createRun,
  fail,
  type RunMode,
  type SubscriptionRun,
  showPosition,
  start,
  stop,
} from './call/subscription-call.ts'
import { connectedFrame, refusalFrame, streamFrames } from './call/wire-writer.ts'
import { type Connection, end, type Served, send } from './connection/connection.ts'
import { isRefusal } from './connection/limits.ts'
import { requestInfo, type SubscriptionRequest } from './request/match.ts'
import { errorJson } from './router.ts'
import {
  admit,
  refusedRetryMs,
  type ServeOptions,
  type Service,
  spread,
  startResponse,
} from './serve.ts'

const { ping, reconnect } = streamFrames.single

/** Serves one subscription on a stream of its own. Resolves when its procedure or the stream is over. */
export async function serveSingle(
  options: ServeOptions,
  service: Service,
  request: SubscriptionRequest,
): Promise<void> {
  const connection = options.connections.add(service.exchange)
  const run = createSingleRun(options, service, { connection, request })
  const outcome = await call(options, service, { request, run }).then(
    (result) => ({ result }),
    (cause: unknown) => ({ error: errorOf(cause) }),
  )
  begin(connection)
  if ('result' in outcome) await sendResult(run, outcome.result)
  else if (isRefusal(outcome.error))
    refuse(options, service, { connection, request, error: outcome.error })
  else fail(run, outcome.error)
}

async function call(
  options: ServeOptions,
  service: Service,
  { request, run }: { readonly request: SubscriptionRequest; readonly run: SubscriptionRun },
): Promise<unknown> {
  const { connection } = run
  const { signal } = connection.over
  // What the client does not wait for isn't begun.
  signal.throwIfAborted()
  const info = requestInfo([request], service.url, signal)
  connection.begin = () => startResponse(options, service, { connection, info, ctx: run.ctx })
  options.limiter.enter(connection, service.address)
  run.ctx = await admit(options, service, connection, info)
  run.context = connection.context
  signal.throwIfAborted()
  return await callProcedure(run, request.getRawInput)
}

interface SingleParts {
  readonly connection: Connection
  readonly request: SubscriptionRequest
}

function createSingleRun(
  options: ServeOptions,
  service: Service,
  { connection, request }: SingleParts,
): SubscriptionRun {
  const run = createRun({
    mode: options.single,
    connection,
    context: connection.context,
    over: connection.over,
    key: '',
    subject: request.subject,
    lastEventId: request.lastEventId,
    onError: service.onError,
  })
  connection.run = run
  connection.served = served
  return run
}

const served: Served = {
  paths: ({ run }) => (run ? [run.subject.path] : []),
  subscriptions: () => 1,
  heartbeat(connection) {
    show(connection)
    send(connection, ping)
  },
  reconnect(connection, data, retryMs) {
    show(connection)
    send(connection, reconnect(data, retryMs))
  },
  close: ({ run }) => run && stop(run),
}

/** Tells the client that it has started, whether it has or not: a stream of its own must begin some time. */
function show({ run }: Connection): void {
  if (run === undefined) return
  start(run, run.feed?.position())
  showPosition(run)
}

/** How subscriptions of a link run in single mode. */
export function createSingleMode(
  mode: Omit<RunMode, 'onStart' | 'onEnd' | 'endsAbortedInSilence'>,
  { clock, clientOptions, retryMs }: Pick<ServeOptions, 'clock' | 'clientOptions' | 'retryMs'>,
): RunMode {
  const about = JSON.stringify(clientOptions)
  return {
    ...mode,
    endsAbortedInSilence: true,
    onStart({ connection, lastEventId, live }, position) {
      begin(connection)
      const unknown = position === lastEventId ? undefined : position
      const json = live === undefined ? about : JSON.stringify({ ...clientOptions, live })
      send(connection, connectedFrame(json, spread(clock, retryMs), unknown))
    },
    onEnd: ({ connection }) => end(connection),
  }
}

/** Starts the response, if it has not started. What only its start needs is let go: a stream may last for days. */
function begin(connection: Connection): void {
  const { begin: first } = connection
  connection.begin = undefined
  if (first) connection.context.runInAsyncScope(first)
}

/** Tells the client which limit is reached and when to try again: with status 200, as any other ends an EventSource. */
function refuse(
  options: ServeOptions,
  service: Service,
  { connection, request, error }: SingleParts & { readonly error: TRPCError },
): void {
  if (connection.closed) return
  options.connections.counters.refused += 1
  const { path, input } = request.subject
  const about = { path, input, ctx: undefined }
  service.onError(error, about)
  const json = errorJson({ router: options.router, error, ...about })
  send(connection, refusalFrame(json, refusedRetryMs(options, error)))
  end(connection)
}
