import { TRPCError } from '@trpc/server'
import { parseConnectionParamsFromString, type TRPCRequestInfo } from '@trpc/server/http'
import {
  isRealtimeError,
  type MultiplexedRequest,
  multiplexedPath,
  parseMultiplexedRequest,
} from '@trpc-sse/protocol'
import { errorOf } from '../call/errors.ts'
import type { WireMode } from '../call/subscription-call.ts'
import { multiplexedConnectedFrame, startedFrame } from '../call/wire-writer.ts'
import type { Connection } from '../connection/connection.ts'
import { drainingError, isRefusal, tooManyChanges } from '../connection/refusals.ts'
import type { LinkParts } from '../link-parts.ts'
import { ownerOf } from '../request/credentials.ts'
import type { RequestServices } from '../request/services.ts'
import { requestInfo } from '../request/subscription-request.ts'
import { admit, reserveSlot, Sender, spread, startResponse } from '../serve.ts'
import { answerError, answerErrors, answerJson } from './answer.ts'
import type { ControlAnswer } from './control.ts'
import { MultiplexedStream } from './stream.ts'

/**
 * Whether a request is for multiplexed mode. Some clients and proxies percent-encode the path:
 * `%7Esse`.
 */
export function isMultiplexed(method: string, path: string): boolean {
  return method === 'POST' && (path === multiplexedPath || unescaped(path) === multiplexedPath)
}

function unescaped(path: string): string {
  return path.replace(/%([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}

/** Creates the parts that all subscriptions of a link share in multiplexed mode. */
export function createMultiplexedMode(
  mode: Omit<WireMode, 'onStart' | 'onEnd' | 'endsSilentlyOnAbort'>,
): WireMode {
  return {
    ...mode,
    endsSilentlyOnAbort: false,
    onStart: ({ connection, key, live }, position) =>
      connection.send(startedFrame({ key, live }, position)),
    onEnd({ connection, over, context }, reason) {
      connection.keyHold?.leave()
      context.runInAsyncScope(() => over.abort(reason))
    },
  }
}

/** Serves a request for a stream or a control request. Resolves when the response has started. */
export function serveMultiplexed(parts: LinkParts, services: RequestServices): Promise<void> {
  return new MultiplexedServing(parts, services).serve()
}

/** One request to `~sse` while it is being served. */
class MultiplexedServing {
  readonly connection: Connection
  info: TRPCRequestInfo
  ctx: unknown = undefined
  readonly #parts: LinkParts
  readonly #services: RequestServices
  readonly #stream: MultiplexedStream
  /** The requested set, once it was read. */
  #set: MultiplexedRequest | undefined
  /**
   * Whether an error at this point concerns the requested subscriptions rather than the request.
   */
  #isAboutSet = false

  constructor(parts: LinkParts, services: RequestServices) {
    const connection = parts.connections.add(services.writer)
    this.connection = connection
    this.#parts = parts
    this.#services = services
    this.#stream = new MultiplexedStream(parts, services, connection)
    this.info = requestInfo([], services.url, connection.over.signal)
    connection.stream = this.#stream
    // A client that is asked to reconnect before it has a stream gets its answer immediately.
    connection.answer = () =>
      connection.context.runInAsyncScope(() => this.#answerError(drainingError()))
  }

  async serve(): Promise<void> {
    const { connection } = this
    try {
      // If the client is gone, a slot that is taken now would never be released.
      connection.over.signal.throwIfAborted()
      if (this.#parts.isOff) throw isOffError()
      this.#parts.limiter.addRequest(connection, this.#services.address)
      await this.#serveBody()
    } catch (cause) {
      await this.#answerFailure(errorOf(cause))
    }
  }

  /**
   * Reads the body and serves the request. The body counts until the stream is open, the request is
   * answered, or the client is gone.
   */
  async #serveBody(): Promise<void> {
    const { connection } = this
    const body = this.#parts.bodies.begin(connection.requestTally)
    connection.body = body
    try {
      const set = this.#parse(await this.#services.readBody(body))
      if (connection.isClosed) return
      this.#set = set
      if (set.connectionId === undefined) await this.#openStream(set)
      else await this.#control(set, set.connectionId)
    } finally {
      connection.body = undefined
      body.release()
    }
  }

  #parse(text: string): MultiplexedRequest {
    const { subscriptionsPerConnection: subscriptions } = this.#parts
    // All requests except control requests need a slot: check that before more work is done.
    if (!text.includes('"connectionId"')) reserveSlot(this.#parts, this.#services, this.connection)
    try {
      return parseMultiplexedRequest(text, { subscriptions })
    } catch (error) {
      throw isRealtimeError(error) ? invalid(error.message, error) : error
    }
  }

  async #openStream(set: MultiplexedRequest): Promise<void> {
    const { connection } = this
    const { connections, streams, clock, clientOptions, retryMs } = this.#parts
    const stream = this.#stream
    const { url, credentials } = this.#services
    await stream.prepare(set, connectionParamsOf(url))
    if (connection.isClosed) return
    this.info = requestInfo([...stream.requests.values()], url, connection.over.signal)
    this.#isAboutSet = true
    this.ctx = await admit(this.#parts, this.#services, connection, this.info, set.replaces)
    this.#isAboutSet = false
    connection.answer = undefined
    startResponse(this.#parts, this.#services, this)
    if (connection.isClosed) return
    const { key } = connection
    const connectionId = streams.add(stream, (id) => ownerOf(key, id, credentials))
    const connected = { connectionId, ...clientOptions }
    connection.send(multiplexedConnectedFrame(connected, spread(clock, retryMs)))
    stream.start()
    if (set.maxDurationMs !== undefined) void connections.limit(connection, set.maxDurationMs)
  }

  async #control(set: MultiplexedRequest, connectionId: string): Promise<void> {
    // Don't create a context for a request that would have no effect.
    const answer =
      this.#parts.streams.earlyAnswer({ connectionId, set }) ??
      (await this.#identifyAndControl(set, connectionId))
    if (!this.connection.isClosed) this.#answerControl(answer)
  }

  async #identifyAndControl(set: MultiplexedRequest, connectionId: string): Promise<ControlAnswer> {
    const { credentials } = this.#services
    const sender = new Sender(this.#parts, this.#services)
    try {
      this.#isAboutSet = true
      this.ctx = await this.#services.createContext(this.info)
      sender.identify(this.ctx)
      this.#isAboutSet = false
      const owner = await ownerOf(sender.key, connectionId, credentials)
      const paths = (): string[] => Object.values(set.subscriptions).map(({ path }) => path)
      return await this.#parts.streams.control({ connectionId, owner, set }, () =>
        sender.wasDisconnected(paths),
      )
    } finally {
      sender.end()
    }
  }

  #answerControl(answer: ControlAnswer): void {
    switch (answer.type) {
      case 'applied': {
        const json = JSON.stringify({ revision: answer.revision })
        answerJson(this.#parts, this.#services, this, { status: 200, json })
        return
      }
      case 'busy':
        this.#answerError(tooManyChanges(), answer.retryAfterMs)
        return
      case 'invalid':
        throw invalid(answer.message)
      case 'unknown':
        throw new TRPCError({
          code: 'NOT_FOUND',
          message: 'There is no such connection. Open a new stream.',
        })
    }
  }

  #answerError(error: TRPCError, retryAfterMs?: number): void {
    answerError(this.#parts, this.#services, this, error, retryAfterMs)
  }

  async #answerFailure(error: TRPCError): Promise<void> {
    const set = this.#set
    const stream = this.#stream
    // The client left in the middle of its request, so there is nothing to answer or report.
    if (set === undefined && this.connection.isClosed) return
    if (!this.#isAboutSet || isRefusal(error)) return this.#answerError(error)
    // For a control request, look up the subscriptions only now, as the error concerns them.
    if (set && stream.requests.size === 0) await stream.prepare(set, null)
    await answerErrors(this.#parts, this.#services, this, stream.requests, error)
  }
}

function connectionParamsOf({ searchParams }: URL): TRPCRequestInfo['connectionParams'] {
  const params = searchParams.get('connectionParams')
  return params === null ? null : parseConnectionParamsFromString(params)
}

/** Creates the error that makes clients use single mode, in which tRPC's own handler answers. */
function isOffError(): TRPCError {
  return new TRPCError({
    code: 'NOT_FOUND',
    message: 'Subscriptions over SSE are off: see sse.enabled of initTRPC.',
  })
}

function invalid(message: string, cause?: unknown): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message, cause })
}
