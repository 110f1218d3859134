import { EventEmitter, on } from 'node:events'
import { initTRPC, tracked } from '@trpc/server'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { z } from 'zod'
import type { Tick } from '../payload.ts'
import type { Target } from './target.ts'

/** tRPC's own SSE, with the tracked generator over an EventEmitter that its documentation teaches. */
export function createTarget(): Target {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const t = initTRPC.create()
  const router = t.router({
    onTick: t.procedure
      .input(z.object({ lastEventId: z.string().nullish() }).optional())
      .subscription(async function* ({ signal }) {
        for await (const [event] of on(emitter, 'tick', signal ? { signal } : {})) {
          const data = event as Tick
          yield tracked(String(data.n), data)
        }
      }),
  })
  return {
    server: createHTTPServer({ router }),
    path: '/onTick',
    publish: (event) => void emitter.emit('tick', event),
  }
}
