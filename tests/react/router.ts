import { initTRPC, TRPCError } from '@trpc/server'
import { channel, createChannels, run, stateChannel } from '@trpc-sse/server'
import { z } from 'zod'
import { createInbox } from '../support/inbox.ts'

const todo = z.object({ id: z.string(), text: z.string() })
/** An item of the app's list. */
export type Todo = z.infer<typeof todo>

/** Creates a router of lists, and the state and controls that a test uses. */
export function createRouter() {
  const channels = createChannels({
    channels: {
      todos: channel({ params: z.object({ list: z.string() }), event: todo }),
      ticks: channel({ event: z.number(), retain: { events: 100_000 } }),
      clicks: channel({ event: z.number(), retain: { events: 5 } }),
      answer: run({
        event: z.number(),
        fold: { initial: 0, apply: (sum, delta) => sum + delta },
        rollupMs: 0,
      }),
      /** Runs by id. */
      sum: run({
        params: z.string(),
        event: z.number(),
        fold: { initial: 0, apply: (sum, delta) => sum + delta },
      }),
      seats: stateChannel({ value: z.string(), retain: { events: 5 } }),
    },
  })
  const lists = new Map<string, Todo[]>()
  const rows = (list: string): Todo[] => {
    const found = lists.get(list) ?? []
    lists.set(list, found)
    return found
  }
  const state = { clicks: 0, runs: 0 }
  // Requests that wait for the test to answer.
  const answers = createInbox<() => void>()
  const t = initTRPC.create()
  const input = z.object({ list: z.string() })
  async function put(list: string, todo: Todo) {
    rows(list).push(todo)
    return await channels.todos({ list }).publish(todo)
  }
  const router = t.router({
    todos: t.procedure.input(input).query(async ({ input: { list } }) => {
      const lastEventId = await channels.todos({ list }).lastEventId()
      return { data: [...rows(list)], lastEventId }
    }),
    onTodos: t.procedure.input(input).subscription((opts) => {
      state.runs += 1
      return channels.todos(opts.input).live(opts, () => [...rows(opts.input.list)])
    }),
    add: t.procedure.input(input.extend({ todo })).mutation(async ({ input: { list, todo } }) => {
      if (todo.text === 'refused') throw new TRPCError({ code: 'FORBIDDEN' })
      const { id } = await put(list, todo)
      await new Promise<void>((resolve) => answers.put(resolve))
      return { id }
    }),
    onTick: t.procedure.subscription((opts) => channels.ticks().live(opts, () => 0)),
    clicks: t.procedure.query(async () => {
      const lastEventId = await channels.clicks().lastEventId()
      return { data: state.clicks, lastEventId }
    }),
    onClick: t.procedure.subscription((opts) => channels.clicks().subscribe(opts)),
    onAnswer: t.procedure.subscription((opts) => channels.answer().follow(opts)),
    onSum: t.procedure
      .input(z.string())
      .subscription((opts) => channels.sum(opts.input).follow(opts)),
    stopAnswer: t.procedure.mutation(() => channels.answer().stop({ reason: 'enough' })),
    onSeat: t.procedure.subscription((opts) => channels.seats().live(opts)),
    onForbidden: t.procedure.subscription(async function* (opts) {
      if (state.runs >= 0) throw new TRPCError({ code: 'FORBIDDEN', message: 'not yours' })
      yield* channels.clicks().subscribe(opts)
    }),
  })
  return {
    channels,
    router,
    state,
    put,
    answers,
    async click(count: number): Promise<void> {
      for (let i = 0; i < count; i++) {
        state.clicks += 1
        await channels.clicks().publish(1)
      }
    },
  }
}

/** The router of the page. */
export type ReactRouter = ReturnType<typeof createRouter>['router']
