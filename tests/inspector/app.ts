import { initTRPC, type TRPCRouterRecord } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { type Backend, channel, createChannels, run, stateChannel } from '@trpc-sse/server'
import { type InspectorOptions, inspector } from '@trpc-sse/server/inspector'
import { z } from 'zod'
import { type Followed, follow, untypedClient } from '../support/follow.ts'
import { type RouterServer, serveRouter } from '../support/router-server.ts'

/** What tests may decide about an instance. */
export interface InstanceOptions extends InspectorOptions<unknown> {
  readonly backend?: Backend
  readonly createContext?: unknown
}

const t = initTRPC.create()
const room = z.object({ room: z.string().max(64) })

/** Creates channels of every kind. */
export function createAppChannels(backend: Backend | undefined) {
  return createChannels({
    ...(backend && { backend }),
    channels: {
      chat: channel({
        params: room,
        event: z.object({
          author: z.string().min(1),
          text: z.string(),
          priority: z.enum(['low', 'high']),
          count: z.number().optional(),
        }),
        retain: { events: 100 },
      }),
      announcements: channel({ event: z.string() }),
      answer: run({ params: room, event: z.string() }),
      board: stateChannel({ params: room, value: z.number() }),
    },
    onError() {},
  })
}

export type AppChannels = ReturnType<typeof createAppChannels>

/** An instance of an app, with an inspector. */
export interface InspectedInstance extends RouterServer {
  readonly channels: AppChannels
  readonly inspectorUrl: string
}

/** Starts an instance. */
export async function startInstance(
  stack: AsyncDisposableStack,
  { backend, createContext, ...options }: InstanceOptions = {},
): Promise<InspectedInstance> {
  const channels = createAppChannels(backend)
  stack.defer(() => channels.close())
  const server = stack.use(
    await serveRouter(t.router(procedures(channels)), {
      channels,
      retryMs: 10,
      inspector: inspector(options),
      connectionKey: (ctx: unknown) => (ctx as { user?: string }).user,
      createContext:
        createContext ??
        (({ req }: { req: { headers: Record<string, string> } }) => ({ user: req.headers.user })),
    }),
  )
  return Object.assign(server, { channels, inspectorUrl: `${server.url}/~inspector` })
}

function procedures(channels: AppChannels): TRPCRouterRecord {
  return {
    onMessage: t.procedure
      .input(room)
      .subscription((opts) => channels.chat(opts.input).subscribe(opts)),
    onAnnouncement: t.procedure.subscription((opts) => channels.announcements().subscribe(opts)),
    onBoard: t.procedure.input(room).subscription((opts) => channels.board(opts.input).live(opts)),
    onAnswer: t.procedure
      .input(room)
      .subscription((opts) => channels.answer(opts.input).follow(opts)),
    onMember: t.procedure.input(room).subscription(async (opts) => {
      const chat = channels.chat(opts.input)
      await chat.presence.hold(opts, { key: `user-${opts.input.room}`, value: { at: 'desk' } })
      return chat.presence.live(opts)
    }),
  }
}

/** Subscribes to a room as a user. Resolves when the subscription has started. */
export async function subscribe(
  stack: AsyncDisposableStack,
  { url }: InspectedInstance,
  user: string,
  room = 'lobby',
): Promise<Followed> {
  const client = untypedClient(sseLink({ url, headers: { user } }))
  const followed = follow(client, 'onMessage', { room })
  stack.defer(followed.unsubscribe)
  let [name] = await followed.next()
  while (name !== 'started') [name] = await followed.next()
  return followed
}
