import { initTRPC } from '@trpc/server'
import { type Backend, type Channels, channel, createChannels, merge } from '@trpc-sse/server'
import { z } from 'zod'

/** What the simulated app is configured with, the same in all instances. */
export interface AppConfig {
  /** How many events of a log are kept. */
  readonly retain: number
  readonly positionCheckMs: number
  readonly lingerMs: number
  /** How many of the newest events an instance keeps in memory. */
  readonly windowEvents: number
}

const room = channel({
  params: z.object({ room: z.string() }),
  event: z.object({ n: z.number(), room: z.string(), padding: z.string() }),
})

/** The channels of one instance. */
export type AppChannels = Channels<{ readonly room: typeof room }, undefined>

/** Creates the channels of one instance. */
export function appChannels(
  { retain, positionCheckMs, lingerMs, windowEvents }: AppConfig,
  {
    backend,
    ...others
  }: Pick<Parameters<typeof createChannels>[0], 'clock' | 'onError'> & {
    readonly backend: Backend
  },
): AppChannels {
  return createChannels({
    ...others,
    backend,
    positionCheckMs,
    lingerMs,
    window: { events: windowEvents },
    channels: { room: { ...room, retain: { ...room.retain, events: retain } } },
  })
}

/** What procedures get. */
export interface AppContext {
  readonly channels: AppChannels
  /** Counts the generators that have started and not ended. */
  readonly generators: { open: number }
}

const roomInput = z.object({ room: z.string(), lastEventId: z.string().optional() })
const roomsInput = z.object({ rooms: z.array(z.string()), lastEventId: z.string().optional() })

/** Creates the router; a stream of it lasts this long. */
export function appRouter(maxDurationMs: number | undefined) {
  const t = initTRPC.context<AppContext>().create({
    sse: maxDurationMs === undefined ? {} : { maxDurationMs },
  })
  return t.router({
    room: t.procedure
      .input(roomInput)
      .subscription((opts) => opts.ctx.channels.room({ room: opts.input.room }).subscribe(opts)),
    all: t.procedure
      .input(roomInput)
      .subscription((opts) =>
        opts.ctx.channels.room({ room: opts.input.room }).subscribe({ ...opts, replay: 'all' }),
      ),
    even: t.procedure.input(roomInput).subscription((opts) =>
      opts.ctx.channels
        .room({ room: opts.input.room })
        .subscribe(opts)
        .filter(({ n }) => n % 2 === 0),
    ),
    generated: t.procedure.input(roomInput).subscription(async function* (opts) {
      opts.ctx.generators.open += 1
      try {
        yield* opts.ctx.channels.room({ room: opts.input.room }).subscribe(opts)
      } finally {
        opts.ctx.generators.open -= 1
      }
    }),
    merged: t.procedure
      .input(roomsInput)
      .subscription((opts) =>
        merge(
          opts.input.rooms.map((name) => opts.ctx.channels.room({ room: name }).subscribe(opts)),
        ),
      ),
  })
}
