import net from 'node:net'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { vi } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/http.ts'

/** The rooms that have an event, which names its room. */
export const rooms = ['a', 'b', 'c'] as const

/** Serves a log for each room, and collects errors that no request may cause. */
export async function serveRooms() {
  const log = channel({
    params: z.object({ room: z.string().max(16) }),
    event: z.object({ room: z.string() }),
  })
  const channels = createChannels({
    channels: { log },
    lingerMs: 0,
    onError: (error) => faults.push(error),
  })
  const faults: unknown[] = []
  const t = initTRPC.context<{ user: string }>().create()
  const input = z.object({ room: z.string() })
  const router = t.router({
    room: t.procedure
      .input(input)
      .subscription((opts) => channels.log(opts.input).subscribe({ ...opts, replay: 1 })),
    live: t.procedure
      .input(input)
      .subscription((opts) =>
        channels.log(opts.input).live(opts, () => ({ room: opts.input.room })),
      ),
    count: t.procedure.subscription(async function* () {
      yield tracked('1', { room: 'count' })
    }),
    query: t.procedure.input(input.optional()).query(() => 'fine'),
    nested: { mutate: t.procedure.mutation(() => 'fine') },
  })
  const server = createHTTPServer({
    router,
    channels,
    basePath: '/trpc/',
    maxBodySize: 100_000,
    createContext: ({ req }) => ({ user: String(req.headers['x-user'] ?? 'nobody').slice(0, 20) }),
    connectionKey: ({ user }) => user,
    onError({ error }) {
      if (error instanceof TRPCError && error.code === 'INTERNAL_SERVER_ERROR') faults.push(error)
    },
  })
  const uncaught = (error: unknown): void => void faults.push(error)
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  const served = await listen(server)
  for (const room of rooms) await channels.log({ room }).publish({ room })
  return {
    url: served.url,
    port: Number(new URL(served.url).port),
    faults,
    /** Waits until only `open` connections are left, with one subscription each. */
    async settle(open = 0) {
      await vi.waitFor(
        () => {
          const { connections, subscriptions } = server.link.stats()
          if (connections !== open || subscriptions !== open)
            throw new Error(`${connections} connections, ${subscriptions} subscriptions are left`)
        },
        { timeout: 20_000, interval: 5 },
      )
    },
    async [Symbol.asyncDispose]() {
      process.off('uncaughtException', uncaught)
      process.off('unhandledRejection', uncaught)
      await served[Symbol.asyncDispose]()
      await channels.close()
    },
  }
}

/** Sends bytes in pieces. Resolves with a response, the start of a stream, or an empty text. */
export function sendBytes(port: number, pieces: readonly Uint8Array[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    let text = ''
    const done = (): void => {
      socket.destroy()
      resolve(text)
    }
    socket.on('error', done)
    socket.on('close', done)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const [head = '', body = ''] = text.split('\r\n\r\n', 2)
      if (/^content-type: text\/event-stream/im.test(head) && body.length > 0) done()
    })
    for (const piece of pieces) socket.write(piece)
    // Half-close: no more requests, but the response may still arrive.
    socket.end()
  })
}
