import type { TRPCError } from '@trpc/server'
import type { ReconnectData } from '@trpc-sse/protocol'
import { errorOf } from './call/errors.ts'
import { callProcedure, sendResult } from './call/send-result.ts'
import { SubscriptionCall, type WireMode } from './call/subscription-call.ts'
import { connectedFrame, refusalFrame, streamFrames } from './call/wire-writer.ts'
import type { Connection } from './connection/connection.ts'
import { isRefusal } from './connection/refusals.ts'
import type { StreamHandler, StreamSubscription } from './connection/stream-handler.ts'
import type { LinkParts } from './link-parts.ts'
import type { RequestServices } from './request/services.ts'
import { requestInfo, type SubscriptionRequest } from './request/subscription-request.ts'
import { errorJson } from './router.ts'
import { admit, refusedRetryMs, spread, startResponse } from './serve.ts'

const { ping, reconnect } = streamFrames.single

/**
 * Serves one subscription on its own stream. Resolves when the procedure or the stream has ended.
 */
export async function serveSingle(
  parts: LinkParts,
  services: RequestServices,
  request: SubscriptionRequest,
): Promise<void> {
  const connection = parts.connections.add(services.writer)
  const { context, over } = connection
  const { signal } = over
  const call = new SingleStream({
    mode: parts.single,
    connection,
    context,
    over,
    key: '',
    subject: request.subject,
    lastEventId: request.lastEventId,
    reportError: services.reportError,
  })
  connection.stream = call
  let result: unknown
  try {
    // The client is gone: start nothing for it.
    signal.throwIfAborted()
    const info = requestInfo([request], services.url, signal)
    connection.answer = () => startResponse(parts, services, { connection, info, ctx: call.ctx })
    parts.limiter.addRequest(connection, services.address)
    call.ctx = await admit(parts, services, connection, info)
    call.context = connection.context
    signal.throwIfAborted()
    const { keyHold } = connection
    if (keyHold && !(await keyHold.enter())) throw parts.keys.tooManySubscriptions()
    result = await callProcedure(call, request)
  } catch (cause) {
    const error = errorOf(cause)
    startStream(connection)
    if (isRefusal(error)) refuse(parts, services, call, error)
    else call.fail(error)
    return
  }
  startStream(connection)
  await sendResult(call, result)
}

/** A call that is alone on its connection, and so also serves as the connection's stream. */
class SingleStream extends SubscriptionCall implements StreamHandler {
  paths(): readonly string[] {
    return [this.subject.path]
  }

  subscriptionCount(): number {
    return 1
  }

  started(): readonly StreamSubscription[] {
    return [this]
  }

  heartbeat(): void {
    startAtPosition(this)
    this.connection.send(ping)
  }

  reconnect(data: ReconnectData, retryMs: number): void {
    startAtPosition(this)
    this.connection.send(reconnect(data, retryMs))
  }

  close(reason: DOMException): void {
    this.stop(reason)
  }
}

/** Sends the client its position. Starts the stream if the procedure has not yet returned. */
function startAtPosition(call: SubscriptionCall): void {
  call.start(call.source?.position())
  call.sendPresentPosition()
}

/** Creates the parts that all subscriptions of a link share in single mode. */
export function createSingleMode(
  mode: Omit<WireMode, 'onStart' | 'onEnd' | 'endsSilentlyOnAbort'>,
  { clock, clientOptions, retryMs }: Pick<LinkParts, 'clock' | 'clientOptions' | 'retryMs'>,
): WireMode {
  const jsonFor = (live: boolean | undefined): string =>
    JSON.stringify(live === undefined ? clientOptions : { ...clientOptions, live })
  const connected = { unknown: jsonFor(undefined), live: jsonFor(true), events: jsonFor(false) }
  return {
    ...mode,
    endsSilentlyOnAbort: true,
    onStart({ connection, lastEventId, live }, position) {
      startStream(connection)
      const json = connected[live === undefined ? 'unknown' : live ? 'live' : 'events']
      const unknown = position === lastEventId ? undefined : position
      connection.send(connectedFrame(json, spread(clock, retryMs), unknown))
    },
    onEnd: ({ connection }) => connection.end(),
  }
}

/** Starts the response, unless it has already started. */
function startStream(connection: Connection): void {
  const { answer } = connection
  // Release everything that only the start needs: a stream may last for days.
  connection.answer = undefined
  if (answer) connection.context.runInAsyncScope(answer)
}

/**
 * Sends the client an error that names the limit, and the time to wait before a retry. The status
 * is 200: any other would end an EventSource.
 */
function refuse(
  parts: LinkParts,
  { reportError }: RequestServices,
  { connection, subject: { path, input } }: SubscriptionCall,
  error: TRPCError,
): void {
  if (connection.isClosed) return
  parts.connections.refused(error, path)
  const subject = { path, input, ctx: undefined }
  reportError(error, subject)
  const json = errorJson({ router: parts.router, error, ...subject })
  connection.send(refusalFrame(json, refusedRetryMs(parts, error)))
  connection.end()
}
