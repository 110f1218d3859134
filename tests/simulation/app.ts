import { initTRPC } from '@trpc/server'
import {
  type Backend,
  type Channels,
  channel,
  createChannels,
  merge,
  run,
  stateChannel,
} from '@trpc-sse/server'
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

/** With what sources fail that are meant to. */
export const plannedFailure = 'The source fails as planned.'
/** How long a follower waits for the start of a run, in milliseconds. */
export const waitForStartMs = 20_000

const room = channel({
  params: z.object({ room: z.string() }),
  event: z.object({ n: z.number(), room: z.string(), padding: z.string() }),
})

/** A delta of a run: its number, and the call of `produce` that it is from. */
export interface Delta {
  readonly n: number
  readonly by: number
}

const named = z.object({ name: z.string() })
const runOptions = {
  params: named,
  event: z.object({ n: z.number(), by: z.number() }),
  fold: {
    initial: [] as readonly Delta[],
    apply: (value: readonly Delta[], delta: Delta): readonly Delta[] => [...value, delta],
  },
  leaseMs: 3_000,
}

const definitions = {
  room,
  /** Who is there. It has no events. */
  hall: channel({ params: named, event: z.never(), presence: { graceMs: 2_000 } }),
  /** A run that is abandoned when its producer is gone, and one that goes on elsewhere. */
  answer: run(runOptions),
  job: run({ ...runOptions, onAbandoned: 'takeOver', takeOverMs: 5_000 }),
  board: stateChannel({ params: named, value: z.object({ n: z.number() }) }),
}

/** The channels of one instance. */
export type AppChannels = Channels<typeof definitions, undefined>

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
    channels: {
      ...definitions,
      room: { ...room, retain: { ...room.retain, events: retain } },
      board: { ...definitions.board, retain: { ...definitions.board.retain, events: retain } },
    },
  })
}

/** What procedures get. */
export interface AppContext {
  readonly channels: AppChannels
  /** Counts the generators that have started and not ended. */
  readonly generators: { open: number }
}

const roomInput = z.object({ room: z.string(), lastEventId: z.string().optional() })
const watchInput = named.extend({ by: z.string(), lastEventId: z.string().optional() })
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
    answer: t.procedure
      .input(watchInput)
      .subscription((opts) =>
        opts.ctx.channels.answer({ name: opts.input.name }).follow({ ...opts, waitForStartMs }),
      ),
    job: t.procedure
      .input(watchInput)
      .subscription((opts) =>
        opts.ctx.channels.job({ name: opts.input.name }).follow({ ...opts, waitForStartMs }),
      ),
    board: t.procedure
      .input(watchInput)
      .subscription((opts) => opts.ctx.channels.board({ name: opts.input.name }).live(opts)),
    member: t.procedure.input(watchInput).subscription(async (opts) => {
      const { name, by } = opts.input
      const { presence } = opts.ctx.channels.hall({ name })
      await presence.hold(opts, { key: by, value: { n: 0 } })
      return presence.live(opts)
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
