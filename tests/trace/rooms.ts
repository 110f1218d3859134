import { type Backend, channel } from '@trpc-sse/server'
import { z } from 'zod'

/** The options of channels that several processes share. */
export function roomsWith(backend: Backend) {
  return {
    backend,
    channels: {
      room: channel({
        params: z.object({ id: z.string() }),
        event: z.object({ text: z.string() }),
      }),
    },
  }
}
