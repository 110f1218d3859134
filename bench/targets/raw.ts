import http from 'node:http'
import { callTRPCProcedure, initTRPC } from '@trpc/server'
import { forEachChannel, get } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'
import { singleRequests, tickInput } from './tick-router.ts'

/** The floor: plain `node:http`. Each event is one Buffer, which is written to every response. */
export function createTarget({ channels, callsProcedure }: TargetSettings): Target {
  const subscribers = forEachChannel(channels, () => new Set<http.ServerResponse>())
  let subscribed = 0

  function subscribe(channel: number, response: http.ServerResponse): void {
    const responses = subscribers[channel]
    if (!responses) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: connected\ndata: {}\n\n')
    responses.add(response)
    subscribed += 1
    response.on('close', () => {
      responses.delete(response)
      subscribed -= 1
    })
  }

  return {
    server: http.createServer(callsProcedure ? afterCall(subscribe) : byNumber(subscribe)),
    requests: () =>
      callsProcedure
        ? singleRequests(channels, undefined)
        : forEachChannel(channels, (channel) => get(`/${channel}`)),
    subscribed: () => subscribed,
    publish(event, channel) {
      const frame = Buffer.from(`id: ${event.n}\ndata: ${JSON.stringify(event)}\n\n`)
      for (const response of subscribers[channel] ?? []) response.write(frame)
    },
  }
}

type Subscribe = (channel: number, response: http.ServerResponse) => void

function byNumber(subscribe: Subscribe): http.RequestListener {
  return (request, response) => subscribe(Number(request.url?.slice(1)), response)
}

/**
 * Subscribes to the channel that a procedure returns. This includes the cost of tRPC itself, but of
 * no transport.
 */
function afterCall(subscribe: Subscribe): http.RequestListener {
  const t = initTRPC.create()
  const router = t.router({
    onTick: t.procedure.input(tickInput).query(({ input }) => input.channel),
  })
  const call = async (
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1')
    const over = new AbortController()
    response.on('close', () => over.abort())
    const channel: unknown = await callTRPCProcedure({
      router,
      path: pathname.slice(1),
      type: 'query',
      ctx: {},
      batchIndex: 0,
      getRawInput: async () => JSON.parse(searchParams.get('input') ?? ''),
      signal: over.signal,
    })
    subscribe(Number(channel), response)
  }
  return (request, response) => void call(request, response)
}
