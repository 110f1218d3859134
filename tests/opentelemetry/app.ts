import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { traceLink } from '@trpc-sse/client/trace'
import { openTelemetry } from '@trpc-sse/opentelemetry'
import { type Backend, channel, createChannels } from '@trpc-sse/server'
import { z } from 'zod'
import { untypedClient } from '../support/follow.ts'
import { serveRouter } from '../support/router-server.ts'
import { startSdk } from './sdk.ts'

const t = initTRPC.create()

interface Options {
  readonly limits?: { readonly connectionsPerAddress: number }
  readonly backend?: Backend
}

/** An app whose server and client report to one SDK. */
export async function startApp({ limits = { connectionsPerAddress: 2 }, backend }: Options = {}) {
  const stack = new AsyncDisposableStack()
  const sdk = stack.use(await startSdk())
  const trace = openTelemetry(sdk)
  const channels = createChannels({
    channels: {
      room: channel({
        params: z.object({ id: z.string() }),
        event: z.object({ text: z.string(), traceparent: z.string().optional() }),
        retain: { events: 4 },
      }),
    },
    onError() {},
    trace,
    ...(backend && { backend }),
  })
  stack.defer(() => channels.close())
  const router = t.router({
    onMessage: t.procedure
      .input(z.object({ id: z.string() }))
      .subscription((opts) => channels.room(opts.input).subscribe(opts)),
  })
  const server = stack.use(await serveRouter(router, { channels, limits }))
  const client = untypedClient(traceLink(trace), sseLink({ url: server.url }))
  const room = channels.room({ id: 'secret' })
  return { sdk, room, server, client, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
