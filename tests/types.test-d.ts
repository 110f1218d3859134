import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { channel, createChannels, merge } from '@trpc-sse/server'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import { nodeHTTPRequestHandler } from '@trpc-sse/server/adapters/node-http'
import { createHTTPHandler, createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import superjson from 'superjson'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

interface Message {
  author: string
  text: string
  sentAt: Date
}

const definitions = {
  chat: channel({
    params: z.object({ room: z.string() }),
    event: z.object({ author: z.string(), text: z.string(), sentAt: z.date() }),
  }),
  announcements: channel({ event: z.string() }),
  prices: channel({ event: z.string().transform(Number) }),
}
const channels = createChannels({ transformer: superjson, channels: definitions })
const t = initTRPC.create({ transformer: superjson })
const room = z.object({ room: z.string() })

const router = t.router({
  onMessage: t.procedure
    .input(room)
    .subscription((opts) => channels.chat(opts.input).subscribe(opts)),
  onPrice: t.procedure.subscription((opts) => channels.prices().subscribe(opts)),
  onMention: t.procedure.input(room).subscription((opts) =>
    channels
      .chat(opts.input)
      .subscribe(opts)
      .filter((event): event is Message & { author: 'ann' } => event.author === 'ann'),
  ),
  onLength: t.procedure.input(room).subscription((opts) =>
    channels
      .chat(opts.input)
      .subscribe(opts)
      .map(({ text }) => text.length),
  ),
  onAnything: t.procedure
    .input(room)
    .subscription((opts) =>
      merge([channels.chat(opts.input).subscribe(opts), channels.announcements().subscribe(opts)]),
    ),
  onRoom: t.procedure
    .input(room)
    .subscription((opts) =>
      channels.chat(opts.input).live(opts, async () => ({ members: new Set(['ann']) })),
    ),
  messages: t.procedure
    .input(room)
    .query(({ input }) => channels.chat(input).history({ last: 50 })),
})
type AppRouter = typeof router

const url = 'http://localhost:3000'
const client = createTRPCClient<AppRouter>({
  links: [sseLink({ url, transformer: superjson }), httpBatchLink({ url, transformer: superjson })],
})

describe('onData', () => {
  it("gets the channel's event, with no annotation on the way", () => {
    client.onMessage.subscribe(
      { room: 'lobby' },
      {
        onData(event) {
          expectTypeOf(event).toEqualTypeOf<{ id: string; data: Message }>()
          // @ts-expect-error no such field
          event.data.room
        },
      },
    )
  })

  it("gets the schema's output for the published event", () => {
    expectTypeOf(channels.prices().publish).parameter(0).toEqualTypeOf<string>()
    client.onPrice.subscribe(undefined, {
      onData: ({ data }) => expectTypeOf(data).toEqualTypeOf<number>(),
    })
  })

  it('gets the result of filter, map and merge', () => {
    client.onMention.subscribe(
      { room: 'lobby' },
      { onData: ({ data }) => expectTypeOf(data.author).toEqualTypeOf<'ann'>() },
    )
    client.onLength.subscribe(
      { room: 'lobby' },
      { onData: ({ data }) => expectTypeOf(data).toEqualTypeOf<number>() },
    )
    client.onAnything.subscribe(
      { room: 'lobby' },
      { onData: ({ data }) => expectTypeOf(data).toEqualTypeOf<Message | string>() },
    )
  })

  it('gets snapshots and events, distinguished by their type', () => {
    client.onRoom.subscribe(
      { room: 'lobby' },
      {
        onData({ data }) {
          if (data.type === 'snapshot')
            expectTypeOf(data.data).toEqualTypeOf<{ members: Set<string> }>()
          else expectTypeOf(data.data).toEqualTypeOf<Message>()
        },
      },
    )
  })

  it('gets the type of the parsed JSON if there is no transformer', () => {
    const plainChannels = createChannels({ channels: definitions })
    const plain = initTRPC.create()
    const plainRouter = plain.router({
      onMessage: plain.procedure
        .input(room)
        .subscription((opts) => plainChannels.chat(opts.input).subscribe(opts)),
    })
    const plainClient = createTRPCClient<typeof plainRouter>({ links: [sseLink({ url })] })
    plainClient.onMessage.subscribe(
      { room: 'lobby' },
      {
        onData({ data }) {
          expectTypeOf(data.sentAt).toEqualTypeOf<string>()
          expectTypeOf(data.text).toEqualTypeOf<string>()
        },
      },
    )
    // @ts-expect-error the router has no transformer
    createTRPCClient<typeof plainRouter>({ links: [sseLink({ url, transformer: superjson })] })
  })
})

describe('the client', () => {
  it('is refused without the transformer of the router', () => {
    // @ts-expect-error the transformer is missing
    createTRPCClient<AppRouter>({ links: [sseLink({ url })] })
  })

  it('is refused inputs and procedures that do not exist', () => {
    // @ts-expect-error a room is a string
    client.onMessage.subscribe({ room: 5 }, {})
    // @ts-expect-error the room is missing
    client.onMessage.subscribe({}, {})
    // @ts-expect-error no such procedure
    client.onMessages.subscribe({ room: 'lobby' }, {})
    // @ts-expect-error a subscription is no query
    client.onMessage.query({ room: 'lobby' })
  })

  it('gets history with its events typed', async () => {
    const { events, lastEventId } = await client.messages.query({ room: 'lobby' })
    expectTypeOf(events[0]?.data).toEqualTypeOf<Message | undefined>()
    expectTypeOf(events[0]?.at).toEqualTypeOf<Date | undefined>()
    expectTypeOf(lastEventId).toEqualTypeOf<string>()
  })
})

describe('a router', () => {
  it('is refused a channel or a param that does not exist', () => {
    // @ts-expect-error no such channel
    t.procedure.subscription((opts) => channels.chats().subscribe(opts))
    t.procedure
      .input(z.object({ name: z.string() }))
      // @ts-expect-error the room is missing in the input
      .subscription((opts) => channels.chat(opts.input).subscribe(opts))
    // @ts-expect-error the params are missing
    t.procedure.subscription((opts) => channels.chat().subscribe(opts))
  })

  it('is refused an event that does not fit', () => {
    t.procedure.input(room).mutation(async ({ input }) => {
      await channels.chat(input).publish({ author: 'ann', text: 'hi', sentAt: new Date() })
      // @ts-expect-error a text is no message
      await channels.chat(input).publish('hi')
    })
  })
})

describe('the adapters', () => {
  const withUser = initTRPC.context<{ user: string }>().create()
  const userRouter = withUser.router({ me: withUser.procedure.query(({ ctx }) => ctx.user) })
  const createContext = () => ({ user: 'ann' })

  it("need createContext exactly if the router's context does", () => {
    createHTTPServer({ router, channels })
    createHTTPHandler({ router: userRouter, createContext })
    createHTTPServer({
      router: userRouter,
      createContext: ({ req }) => ({ user: String(req.headers['x-user']) }),
    })
    // @ts-expect-error createContext is missing
    createHTTPServer({ router: userRouter })
    // @ts-expect-error createContext is missing
    createHTTPHandler({ router: userRouter })
    // @ts-expect-error createContext returns another context
    createHTTPServer({ router: userRouter, createContext: () => ({ name: 'ann' }) })
  })

  it('pass on the context with its type', () => {
    createHTTPServer({
      router: userRouter,
      createContext,
      connectionKey: ({ user }) => user,
      onError({ ctx, req }) {
        expectTypeOf(ctx).toEqualTypeOf<{ user: string } | undefined>()
        expectTypeOf(req.headers['x-user']).toEqualTypeOf<string | string[] | undefined>()
      },
      responseMeta({ ctx }) {
        expectTypeOf(ctx).toEqualTypeOf<{ user: string } | undefined>()
        return {}
      },
    })
    // @ts-expect-error no such field in the context
    createHTTPServer({ router: userRouter, createContext, connectionKey: (ctx) => ctx.name })
  })

  it('for one request accept what tRPC accepts', () => {
    const req = new Request(url)
    expectTypeOf(
      fetchRequestHandler({
        endpoint: '/trpc',
        req,
        router: userRouter,
        createContext: (opts) => ({ user: opts.req.headers.get('x-user') ?? '' }),
        connectionKey: ({ user }) => user,
      }),
    ).toEqualTypeOf<Promise<Response>>()
    // @ts-expect-error createContext is missing
    void fetchRequestHandler({ endpoint: '/trpc', req, router: userRouter })
    // @ts-expect-error the endpoint is missing
    void fetchRequestHandler({ req, router })
    // @ts-expect-error the path is missing
    void nodeHTTPRequestHandler({ router, req: {} as never, res: {} as never })
  })
})
