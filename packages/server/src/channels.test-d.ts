import { initTRPC, type TrackedEnvelope, tracked } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import superjson from 'superjson'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { FetchCreateContextFnOptions } from './adapters/fetch.ts'
import type { CreateHTTPContextOptions } from './adapters/standalone.ts'
import {
  type ChannelHandle,
  type ChannelSubscription,
  type Channels,
  channel,
  createChannels,
  createServerLink,
  type History,
  type LiveEvent,
  merge,
  type Presence,
  type StateChange,
  type StateEntry,
  type StateHandle,
  type SubscribeOptions,
  type SubscriptionEvent,
  stateChannel,
} from './index.ts'

interface Message {
  author: string
  text: string
  sentAt: Date
}

const channels = createChannels({
  transformer: superjson,
  channels: {
    chat: channel({
      params: z.object({ room: z.string().max(64) }),
      event: z.object({ author: z.string(), text: z.string(), sentAt: z.date() }),
      retain: { events: 1_000 },
    }),
    announcements: channel({ event: z.string() }),
    prices: channel({ event: z.string().transform(Number) }),
    pages: channel({ params: z.number().default(1), event: z.null() }),
    shapes: channel({
      event: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('circle'), radius: z.number() }),
        z.object({ kind: z.literal('square'), side: z.number() }),
      ]),
    }),
  },
})

const chat = channels.chat({ room: 'lobby' })
const message: Message = { author: 'ann', text: 'hi', sentAt: new Date() }

describe('a channel', () => {
  it('takes exactly its params', () => {
    expectTypeOf(channels.chat({ room: 'lobby' })).toEqualTypeOf<ChannelHandle<Message, Message>>()
    // @ts-expect-error a room is a string
    channels.chat({ room: 5 })
    // @ts-expect-error the room is missing
    channels.chat({})
    // @ts-expect-error the params are missing
    channels.chat()
    // @ts-expect-error no such param
    channels.chat({ room: 'lobby', floor: 2 })
  })

  it('without params takes none', () => {
    expectTypeOf(channels.announcements()).toEqualTypeOf<ChannelHandle<string, string>>()
    // @ts-expect-error it has no params
    channels.announcements({ room: 'lobby' })
  })

  it('takes the input of its params’ schema', () => {
    expectTypeOf(channels.pages).parameters.toEqualTypeOf<[params: number | undefined]>()
  })

  it('is accessible only by its name', () => {
    // @ts-expect-error no such channel
    channels.chats
    expectTypeOf(channels.close).toEqualTypeOf<() => Promise<void>>()
  })

  it('has a schema for its events', () => {
    // @ts-expect-error the event is missing
    channel({})
    // @ts-expect-error not a schema
    channel({ event: String })
    // @ts-expect-error no such option
    channel({ event: z.string(), retention: 5 })
  })
})

describe('publish', () => {
  it('takes one event', () => {
    void chat.publish(message)
    void chat.publish(message, { idempotencyKey: 'a' })
    // @ts-expect-error sentAt is missing
    void chat.publish({ author: 'ann', text: 'hi' })
    // @ts-expect-error sentAt is a Date
    void chat.publish({ ...message, sentAt: '2026-01-01' })
    // @ts-expect-error no such field
    void chat.publish({ author: 'ann', text: 'hi', sentAt: new Date(), room: 'lobby' })
    // @ts-expect-error one event, not many
    void chat.publish([message])
    // @ts-expect-error no such option
    void chat.publish(message, { key: 'a' })
  })

  it('takes the input of the schema, and subscribers get its output', () => {
    const prices = channels.prices()
    expectTypeOf(prices.publish).parameter(0).toEqualTypeOf<string>()
    expectTypeOf(prices.subscribe()).toEqualTypeOf<ChannelSubscription<number>>()
    // @ts-expect-error the input is a string
    void prices.publish(5)
  })

  it('returns the id', () => {
    expectTypeOf(chat.publish(message)).resolves.toEqualTypeOf<{
      readonly id: string
      readonly duplicate: boolean
    }>()
  })

  it('takes many events with publishMany', () => {
    void chat.publishMany([message, message])
    void chat.publishMany([message] as const)
    // @ts-expect-error many, not one
    void chat.publishMany(message)
    // @ts-expect-error one of them doesn't fit
    void chat.publishMany([message, 'hi'])
  })
})

describe('history', () => {
  it('returns events of the output type', async () => {
    const history = await channels.prices().history({ last: 5 })
    expectTypeOf(history).toEqualTypeOf<History<number>>()
    for (const event of history.events) {
      expectTypeOf(event.data).toEqualTypeOf<number>()
      expectTypeOf(event.at).toEqualTypeOf<Date>()
    }
    expectTypeOf((await chat.history({ last: 1 })).events[0]?.data).toEqualTypeOf<
      Message | undefined
    >()
  })

  it('takes a range', () => {
    void chat.history({ after: '1-0', limit: 5 })
    // @ts-expect-error from which start?
    void chat.history({ limit: 5 })
    // @ts-expect-error no range
    void chat.history()
  })
})

describe('without a transformer', () => {
  const event = z.object({
    at: z.date(),
    tags: z.array(z.string()),
    note: z.string().optional(),
    seen: z.map(z.string(), z.number()),
  })
  const definitions = { log: channel({ event }), names: channel({ event: z.string() }) }
  const plain = createChannels({ channels: definitions })
  const log = plain.log()
  interface AsJson {
    at: string
    tags: string[]
    note?: string
    seen: object
  }

  it('takes the input of the schema', () => {
    expectTypeOf(log.publish).parameter(0).toEqualTypeOf<z.input<typeof event>>()
  })

  it('returns the output after JSON, wherever an event is read', async () => {
    expectTypeOf((await log.history({ last: 1 })).events[0]?.data).toEqualTypeOf<
      AsJson | undefined
    >()
    expectTypeOf(log.subscribe()).toEqualTypeOf<ChannelSubscription<AsJson>>()
    log.subscribe().filter(({ at }, { id }) => at < id)
    // @ts-expect-error it is text by now
    log.subscribe().filter(({ at }) => at.getTime() > 0)
    // @ts-expect-error it is text by now
    log.subscribe().map(({ at }) => at.getTime())
    expectTypeOf(log.subscribe().map(({ at }) => at)).toEqualTypeOf<ChannelSubscription<string>>()
    expectTypeOf(log.live({}, () => 5)).toEqualTypeOf<
      ChannelSubscription<LiveEvent<number, AsJson>>
    >()
    expectTypeOf(merge([log.subscribe(), plain.names().subscribe()])).toEqualTypeOf<
      ChannelSubscription<AsJson | string>
    >()
    for await (const [, data] of log.subscribe()) expectTypeOf(data).toEqualTypeOf<AsJson>()
  })

  it('has the same types as with a transformer if JSON changes nothing', () => {
    expectTypeOf(plain.names()).toEqualTypeOf<ChannelHandle<string, string>>()
  })

  it('accepts a transformer that may be undefined', () => {
    const transformer = superjson as typeof superjson | undefined
    const perhaps = createChannels({ transformer, channels: definitions })
    expectTypeOf(
      perhaps
        .log()
        .subscribe()
        .map(({ at }) => at),
    ).toEqualTypeOf<ChannelSubscription<string | Date>>()
  })

  it('has a type that can be named', () => {
    expectTypeOf<Channels<typeof definitions, undefined>>().toEqualTypeOf<typeof plain>()
    const withOne = createChannels({ transformer: superjson, channels: definitions })
    const named: Channels<typeof definitions> = withOne
    expectTypeOf(named.log()).toEqualTypeOf<
      ChannelHandle<z.input<typeof event>, z.output<typeof event>>
    >()
    // @ts-expect-error without a transformer its dates are text
    const wrong: Channels<typeof definitions> = plain
    void wrong
  })
})

describe('subscribe', () => {
  const subscription = chat.subscribe()

  it("takes a resolver's opts unchanged, and additional options", () => {
    const t = initTRPC.context<{ user: string }>().create({ transformer: superjson })
    t.procedure.subscription((opts) => channels.announcements().subscribe(opts))
    t.procedure.subscription((opts) =>
      channels.announcements().subscribe({ ...opts, replay: 'all' }),
    )
    t.procedure
      .input(z.object({ room: z.string(), lastEventId: z.string().nullish() }))
      .subscription((opts) => channels.chat({ room: opts.input.room }).subscribe(opts))
    expectTypeOf(chat.subscribe).parameter(0).toEqualTypeOf<SubscribeOptions | undefined>()
    // @ts-expect-error a number of events, or all of them
    chat.subscribe({ replay: 'some' })
    // @ts-expect-error report or error
    chat.subscribe({ onGap: 'ignore' })
    // @ts-expect-error no such option
    chat.subscribe({ replays: 5 })
  })

  it('is a stream of tracked events', () => {
    expectTypeOf(subscription).toExtend<AsyncIterable<TrackedEnvelope<Message>>>()
    expectTypeOf<SubscriptionEvent<typeof subscription>>().toEqualTypeOf<Message>()
  })

  it('keeps its type through a filter, and narrows it by a type guard', () => {
    const shapes = channels.shapes().subscribe()
    type Shape = SubscriptionEvent<typeof shapes>
    type Circle = Extract<Shape, { kind: 'circle' }>
    expectTypeOf(
      shapes.filter((shape) => shape.kind !== 'circle' || shape.radius > 1),
    ).toEqualTypeOf<ChannelSubscription<Shape>>()
    expectTypeOf(shapes.filter((shape): shape is Circle => shape.kind === 'circle')).toEqualTypeOf<
      ChannelSubscription<Circle>
    >()
    // @ts-expect-error no such field
    shapes.filter((shape) => shape.color === 'red')
    // @ts-expect-error a filter returns a boolean
    shapes.filter(() => 'yes')
  })

  it('has the result type of map', () => {
    const lengths = subscription.map(({ text }, { id }) => ({ id, length: text.length }))
    expectTypeOf(lengths).toEqualTypeOf<ChannelSubscription<{ id: string; length: number }>>()
    expectTypeOf(lengths.filter(({ length }) => length > 5)).toEqualTypeOf<typeof lengths>()
  })

  it('has the types of all parts after merge', () => {
    const merged = merge([subscription, channels.announcements().subscribe()])
    expectTypeOf(merged).toEqualTypeOf<ChannelSubscription<Message | string>>()
    const tagged = merge([
      subscription.map((data) => ({ type: 'message' as const, data })),
      channels
        .announcements()
        .subscribe()
        .map((data) => ({ type: 'announcement' as const, data })),
    ])
    expectTypeOf(tagged).toEqualTypeOf<
      ChannelSubscription<
        { type: 'message'; data: Message } | { type: 'announcement'; data: string }
      >
    >()
    // @ts-expect-error subscriptions, not handles
    merge([chat])
  })
})

describe('live', () => {
  const options = { signal: new AbortController().signal }

  it('has the types of the loaded snapshots and of the events', () => {
    const live = chat.live(options, async ({ signal, lastEventId }) => {
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      expectTypeOf(lastEventId).toEqualTypeOf<string>()
      return [message]
    })
    expectTypeOf(live).toEqualTypeOf<ChannelSubscription<LiveEvent<Message[], Message>>>()
    expectTypeOf(chat.live(options, () => 5)).toEqualTypeOf<
      ChannelSubscription<LiveEvent<number, Message>>
    >()
    expectTypeOf(
      live.map((value) => (value.type === 'event' ? value.data.text : value.data)),
    ).toEqualTypeOf<ChannelSubscription<string | Message[]>>()
  })

  it('has the type of the data of a tracked snapshot', () => {
    expectTypeOf(chat.live(options, () => tracked('1-0', { open: 5 }))).toEqualTypeOf<
      ChannelSubscription<LiveEvent<{ open: number }, Message>>
    >()
    expectTypeOf(
      chat.live(options, async ({ lastEventId }) => tracked(lastEventId, [message])),
    ).toEqualTypeOf<ChannelSubscription<LiveEvent<Message[], Message>>>()
  })

  it("takes a resolver's opts, and a loader", () => {
    const t = initTRPC.create({ transformer: superjson })
    t.procedure.subscription((opts) => channels.announcements().live(opts, () => ['hi']))
    // @ts-expect-error the loader is missing
    chat.live(options)
    // @ts-expect-error the snapshot comes first, not a replay
    chat.live({ ...options, replay: 5 }, () => 5)
    // @ts-expect-error there are no gaps
    chat.live({ ...options, onGap: 'error' }, () => 5)
  })
})

describe('createServerLink', () => {
  const plain = initTRPC.create()
  const plainRouter = plain.router({})
  const t = initTRPC.context<{ user: string }>().create()
  const router = t.router({})
  const createContext = () => ({ user: 'ann' })

  it('requires createContext if and only if the router has a context', () => {
    createServerLink({ router: plainRouter })
    createServerLink({ router, createContext })
    createServerLink({ router, createContext: async () => ({ user: 'ann' }) })
    // @ts-expect-error createContext is missing
    createServerLink({ router })
    // @ts-expect-error the context has another type
    createServerLink({ router, createContext: () => ({ name: 'ann' }) })
  })

  it('passes createContext the request, of Node or the web', () => {
    createServerLink({
      router,
      createContext({ req, info }) {
        expectTypeOf(info.connectionParams).toEqualTypeOf<TRPCRequestInfo['connectionParams']>()
        const user = req instanceof Request ? req.headers.get('x-user') : req.headers['x-user']
        return { user: String(user) }
      },
    })
    // An app that uses only one of the two may declare that one.
    createServerLink({
      router,
      createContext: ({ req }: CreateHTTPContextOptions) => ({
        user: String(req.headers['x-user']),
      }),
    })
    createServerLink({
      router,
      createContext: ({ req }: FetchCreateContextFnOptions) => ({
        user: req.headers.get('x-user') ?? '',
      }),
    })
  })

  it('gives connectionKey, onError and responseMeta the context of the router', () => {
    createServerLink({
      router,
      createContext,
      connectionKey: (ctx) => {
        expectTypeOf(ctx).toEqualTypeOf<{ user: string }>()
        return ctx.user
      },
      onError({ error, ctx, path }) {
        expectTypeOf(error.code).toExtend<string>()
        expectTypeOf(ctx).toEqualTypeOf<{ user: string } | undefined>()
        expectTypeOf(path).toEqualTypeOf<string | undefined>()
      },
      responseMeta({ ctx, type }) {
        expectTypeOf(ctx).toEqualTypeOf<{ user: string } | undefined>()
        expectTypeOf(type).toEqualTypeOf<'query' | 'mutation' | 'subscription' | 'unknown'>()
        return { headers: { 'x-user': ctx?.user ?? '' } }
      },
    })
    // @ts-expect-error no such field in the context
    createServerLink({ router, createContext, connectionKey: (ctx) => ctx.name })
    // @ts-expect-error a key is a string
    createServerLink({ router, createContext, connectionKey: () => 5 })
  })

  it('refuses unknown options', () => {
    // @ts-expect-error the name is heartbeatMs
    createServerLink({ router: plainRouter, heartbeat: 5 })
    // @ts-expect-error no such limit
    createServerLink({ router: plainRouter, limits: { perUser: 5 } })
    // @ts-expect-error not channels
    createServerLink({ router: plainRouter, channels: {} })
  })
})

describe('a state channel', () => {
  const maps = {
    cursors: stateChannel({
      params: z.object({ board: z.string() }),
      value: z.object({ x: z.number(), at: z.date() }),
      entries: { max: 100 },
      forMs: 30_000,
    }),
    flags: stateChannel({ value: z.string().transform(Number) }),
  }
  interface Cursor {
    x: number
    at: Date
  }
  const { cursors, flags } = createChannels({ transformer: superjson, channels: maps })
  const plain = createChannels({ channels: maps })

  it('takes its params, and values of its schema', () => {
    expectTypeOf(cursors({ board: 'a' })).toEqualTypeOf<StateHandle<Cursor, Cursor>>()
    expectTypeOf(flags()).toEqualTypeOf<StateHandle<string, number>>()
    // @ts-expect-error the params are missing
    cursors()
    // @ts-expect-error x is a number
    void cursors({ board: 'a' }).set('ann', { x: '1', at: new Date() })
    // @ts-expect-error the value is a text before it is transformed
    void flags().update('a', (value) => (value ?? 0) + 1)
    void flags().update('a', (value) => (value === 1 ? undefined : String(value)))
  })

  it('gives what the schema makes of values', () => {
    expectTypeOf(flags().entries()).resolves.toEqualTypeOf<{
      readonly entries: ReadonlyArray<readonly [key: string, value: number]>
      readonly lastEventId: string
    }>()
    expectTypeOf(flags().live()).toEqualTypeOf<
      ChannelSubscription<LiveEvent<ReadonlyArray<StateEntry<number>>, StateChange<number>>>
    >()
  })

  it('gives plain JSON without a transformer', () => {
    expectTypeOf(plain.cursors({ board: 'a' })).toEqualTypeOf<
      StateHandle<Cursor, { x: number; at: string }>
    >()
  })
})

describe('the presence of a channel', () => {
  const rooms = {
    open: channel({ event: z.string() }),
    lobby: channel({
      event: z.string(),
      presence: { member: z.object({ seenAt: z.date() }), graceMs: 1_000 },
    }),
  }
  const { open, lobby } = createChannels({ transformer: superjson, channels: rooms })
  const plain = createChannels({ channels: rooms })
  const options = { signal: new AbortController().signal }

  it('takes and gives members of its schema', () => {
    type Seen = { seenAt: Date }
    expectTypeOf(lobby().presence).toEqualTypeOf<Presence<Seen, Seen>>()
    expectTypeOf(plain.lobby().presence).toEqualTypeOf<Presence<Seen, { seenAt: string }>>()
    void lobby().presence.hold(options, { key: 'ann', value: { seenAt: new Date() } })
    // @ts-expect-error a member has a date
    void lobby().presence.hold(options, { key: 'ann', value: {} })
    // @ts-expect-error outside a subscription
    void lobby().presence.hold({}, { key: 'ann', value: { seenAt: new Date() } })
  })

  it('takes any value without a schema', () => {
    expectTypeOf(open().presence).toEqualTypeOf<Presence<unknown, unknown>>()
    void open().presence.hold(options, { key: 'ann', value: { anything: 1 } })
  })
})
