import {
  encode,
  type MultiplexedRequest,
  parseMultiplexedRequest,
  type SseMessage,
} from '@trpc-sse/protocol'
import type { ManualClock } from './manual-clock.ts'

/**
 * The smallest correct server of multiplexed mode, without HTTP, on a network whose faults the test
 * controls.
 */
export interface ModelServer {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** Appends to a log. */
  publish(log: string): void
  /** The number of events in a log. */
  size(log: string): number
  /** Whether answers are lost, late or repeated. */
  isBad: boolean
  /** Cuts a stream, ends it, asks for a new one, or fails a subscription with a retryable error. */
  disturb(): void
  /** The most streams that the client had at a time, and the total. */
  readonly most: () => number
  readonly count: () => number
  readonly open: () => number
  /** Violations of the protocol by the client. */
  readonly faults: readonly string[]
}

/** An event of a subscription: its log, and its number in that log, from 1. */
export interface ModelEvent {
  readonly log: string
  readonly n: number
}

/** A number from 0 up to, not including, `below`. */
export type Dice = (below: number) => number

/**
 * The position of a subscription in each of its logs. A path consists of the names of its logs,
 * joined by `+`.
 */
type Position = Map<string, number>

interface Run {
  readonly path: string
  readonly position: Position
  hasEnded: boolean
}

interface ModelStream {
  readonly id: string
  revision: number
  readonly runs: Map<string, Run>
  readonly paths: Map<string, string>
  send(message: SseMessage): void
  end(how: 'end' | 'cut'): void
  isOver: boolean
}

/** Creates a model server. */
export function modelServer(clock: ManualClock, dice: Dice): ModelServer {
  const logs = new Map<string, number>()
  const streams = new Map<string, ModelStream>()
  const faults: string[] = []
  let open = 0
  let most = 0
  let count = 0

  const size = (log: string): number => logs.get(log) ?? 0
  const later = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve))

  function start(
    stream: ModelStream,
    key: string,
    path: string,
    lastEventId: string | undefined,
  ): void {
    stream.paths.set(key, path)
    const position = lastEventId === undefined ? tail(path) : parse(lastEventId)
    const run: Run = { path, position, hasEnded: false }
    stream.runs.set(key, run)
    stream.send({ event: '$started', data: JSON.stringify({ key }), id: format(position) })
    catchUp(stream, key, run)
  }

  function tail(path: string): Position {
    return new Map(path.split('+').map((log) => [log, size(log)]))
  }

  /** Sends the events that a subscription hasn't received, in any order of its logs. */
  function catchUp(stream: ModelStream, key: string, { position, hasEnded }: Run): void {
    for (;;) {
      const behind = [...position].filter(([log, n]) => n < size(log))
      const [log, n = 0] = behind[dice(behind.length || 1)] ?? []
      if (log === undefined || hasEnded) return
      position.set(log, n + 1)
      stream.send({ event: key, data: JSON.stringify({ log, n: n + 1 }), id: format(position) })
    }
  }

  function apply(stream: ModelStream, { revision, subscriptions }: MultiplexedRequest): void {
    if (revision <= stream.revision || stream.isOver) return
    stream.revision = revision
    for (const key of stream.runs.keys()) if (!(key in subscriptions)) stream.runs.delete(key)
    for (const [key, { path, lastEventId }] of Object.entries(subscriptions)) {
      if ((stream.paths.get(key) ?? path) !== path) faults.push(`${key} has another path`)
      if (!stream.runs.has(key)) start(stream, key, path, lastEventId)
    }
  }

  function openStream(
    request: MultiplexedRequest,
    signal: AbortSignal,
    over: () => void,
  ): Response {
    const stream = modelStream(`c${++count}`, clock, dice, over)
    streams.set(stream.id, stream)
    signal.addEventListener('abort', () => stream.end('cut'))
    const data = JSON.stringify({ connectionId: stream.id, reconnectAfterInactivityMs: 20_000 })
    stream.send({ event: '$connected', data })
    apply(stream, request)
    const ping = (): void => {
      stream.send({ event: '$ping', data: '' })
      if (!stream.isOver) clock.after(5_000, ping)
    }
    ping()
    return new Response(stream.body, { headers: { 'content-type': 'text/event-stream' } })
  }

  async function control(request: MultiplexedRequest): Promise<Response> {
    const stream = streams.get(request.connectionId ?? '')
    const fate = self.isBad ? dice(12) : 12
    if (fate === 0) throw new TypeError('lost on the way')
    if (fate === 1 || !stream || stream.isOver) return new Response('', { status: 404 })
    if (fate === 2) clock.after(dice(8_000), () => apply(stream, request))
    else apply(stream, request)
    if (fate === 3) clock.after(dice(2_000), () => apply(stream, request))
    if (fate === 4) throw new TypeError('the answer is lost')
    if (fate === 5) await later(dice(20_000))
    return Response.json({ revision: stream.revision })
  }

  async function fetchStream(request: MultiplexedRequest, signal: AbortSignal): Promise<Response> {
    most = Math.max(most, ++open)
    let isOver = false
    const over = (): void => {
      if (!isOver) open--
      isOver = true
    }
    signal.addEventListener('abort', over)
    await later(dice(300))
    const fate = self.isBad ? dice(8) : 8
    if (signal.aborted || fate < 2) over()
    if (fate === 0) throw new TypeError('offline')
    if (fate === 1) return new Response('', { status: 503 })
    if (fate === 2) await later(dice(20_000))
    return openStream(request, signal, over)
  }

  const self: ModelServer = {
    isBad: true,
    async fetch(_url, { body, signal }) {
      const request = parseMultiplexedRequest(String(body), { subscriptions: 1_000 })
      await later(dice(100))
      if (request.connectionId !== undefined) return control(request)
      return fetchStream(request, signal ?? new AbortController().signal)
    },
    publish(log) {
      logs.set(log, size(log) + 1)
      for (const stream of streams.values())
        for (const [key, run] of stream.runs) catchUp(stream, key, run)
    },
    size,
    disturb() {
      const alive = [...streams.values()].filter(({ isOver }) => !isOver)
      const stream = alive[dice(alive.length || 1)]
      if (!stream) return
      const runs = [...stream.runs].filter(([, { hasEnded }]) => !hasEnded)
      const [key, run] = runs[dice(runs.length || 1)] ?? []
      const what = dice(4)
      if (what === 0) stream.end('cut')
      else if (what === 1) stream.end('end')
      else if (what === 2) {
        stream.send({ event: '$reconnect', data: '{"reason":"drain"}' })
        clock.after(5_000 + dice(5_000), () => stream.end(dice(2) === 0 ? 'end' : 'cut'))
      } else if (run && key !== undefined) {
        run.hasEnded = true
        stream.send({ event: '$error', data: JSON.stringify({ key, error: passing }) })
      }
    },
    most: () => most,
    count: () => count,
    open: () => open,
    faults,
  }
  return self
}

const passing = { code: -32603, message: 'try again', data: {} }

/** A response whose bytes arrive in order, some time after they were sent. */
function modelStream(
  id: string,
  clock: ManualClock,
  dice: Dice,
  over: () => void,
): ModelStream & { readonly body: ReadableStream<Uint8Array> } {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let isClosed = false
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given
    },
    cancel() {
      isClosed = true
      self.isOver = true
      over()
    },
  })
  let lastMs = 0
  function inOrder(call: () => void): void {
    lastMs = Math.max(lastMs, clock.now() + dice(300))
    clock.after(lastMs - clock.now(), () => {
      if (!isClosed) call()
    })
  }
  function close(how: 'end' | 'cut'): void {
    isClosed = true
    if (how === 'end') controller?.close()
    else controller?.error(new TypeError('terminated'))
    over()
  }
  const self = {
    id,
    body,
    revision: -1,
    runs: new Map<string, Run>(),
    paths: new Map<string, string>(),
    isOver: false,
    send(message: SseMessage): void {
      const bytes = new TextEncoder().encode(encode(message))
      if (!self.isOver) inOrder(() => controller?.enqueue(bytes))
    },
    end(how: 'end' | 'cut'): void {
      if (self.isOver) return
      self.isOver = true
      if (how === 'cut') close(how)
      else inOrder(() => close(how))
    },
  }
  return self
}

function format(position: Position): string {
  return [...position].map(([log, n]) => `${log}=${n}`).join(',')
}

function parse(id: string): Position {
  return new Map(
    id.split(',').map((part) => {
      const [log = '', n = ''] = part.split('=')
      return [log, Number(n)]
    }),
  )
}
