import { getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server'
import type { Connection } from './connection.ts'
import type { OpenConnection, Served } from './connections.ts'
import { refusalFrame, streamFrames } from './frames.ts'
import { isRefusal } from './limits.ts'
import { requestInfo, type SubscriptionRequest } from './request.ts'
import {
  admit,
  createRun,
  refusedRetryMs,
  type ServeOptions,
  type Service,
  spread,
  startResponse,
} from './serve.ts'
import type { SubscriptionRun } from './subscription-run.ts'
import { callSubscription, errorJson } from './trpc.ts'

/** Serves one subscription on a stream of its own. Resolves when its procedure or the stream is over. */
export async function serveSingle(
  options: ServeOptions,
  service: Service,
  request: SubscriptionRequest,
): Promise<void> {
  const call: SingleCall = { ctx: undefined, respond: nothing }
  const open = options.connections.add(service.exchange, (connection) =>
    createSingleStream(options, service, { connection, request, call }),
  )
  const { connection, served: run } = open
  const info = requestInfo([request], service.url, connection.signal)
  call.respond = () => startResponse(options, service, { connection, info, ctx: call.ctx })

  async function callProcedure(open: OpenConnection): Promise<unknown> {
    // What the client does not wait for isn't begun.
    connection.signal.throwIfAborted()
    call.ctx = await admit(options, service, open, info)
    connection.signal.throwIfAborted()
    const { path, getRawInput } = request
    return await callSubscription({
      router: options.router,
      path,
      ctx: call.ctx,
      getRawInput,
      signal: connection.signal,
    })
  }

  const outcome = await callProcedure(open).then(
    (result) => ({ result }),
    (cause: unknown) => ({ error: getTRPCErrorFromUnknown(cause) }),
  )
  call.respond()
  // A stream may last for days: what only its start needs is let go.
  call.respond = nothing
  if ('result' in outcome) await run.run(outcome.result)
  else if (isRefusal(outcome.error)) refuse(options, service, { connection, request, error: outcome.error })
  else run.fail(outcome.error)
}

function nothing(): void {}

/** A call while it is served. */
interface SingleCall {
  /** What `createContext` made; `undefined` until then. */
  ctx: unknown
  /** Starts the response, if it has not started and somebody waits for it. */
  respond(): void
}

interface SingleParts {
  readonly connection: Connection
  readonly request: SubscriptionRequest
  readonly call: SingleCall
}

function createSingleStream(
  options: ServeOptions,
  service: Service,
  { connection, request, call }: SingleParts,
): Served & SubscriptionRun {
  const { singleFrames: frames } = options
  const { path, lastEventId } = request
  const { ping, connected, reconnect } = streamFrames.single
  const run = createRun(options, service, {
    request,
    frames,
    outlet: connection,
    signal: connection.signal,
    ctx: () => call.ctx,
    onStart(position) {
      call.respond()
      connection.send(connected(options.clientOptions, spread(options.clock, options.retryMs)))
      if (position !== undefined && position !== lastEventId) connection.send(frames.position(position))
    },
    onEnd: () => connection.end(),
  })
  return {
    ...run,
    paths: [path],
    subscriptions: 1,
    heartbeat() {
      run.start()
      run.showPosition()
      connection.send(ping)
    },
    reconnect(data, retryMs) {
      run.start()
      run.showPosition()
      connection.send(reconnect(data, retryMs))
    },
  }
}

/** Tells the client which limit is reached and when to try again: with status 200, as any other ends an EventSource. */
function refuse(
  options: ServeOptions,
  service: Service,
  { connection, request, error }: { connection: Connection; request: SubscriptionRequest; error: TRPCError },
): void {
  if (connection.signal.aborted) return
  options.connections.counters.refused += 1
  const about = { ...request.subject, ctx: undefined }
  service.onError(error, about)
  connection.send(
    refusalFrame(errorJson({ router: options.router, error, ...about }), refusedRetryMs(options)),
  )
  connection.end()
}
