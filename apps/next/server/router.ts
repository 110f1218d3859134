import { initTRPC, TRPCError } from '@trpc/server'
import { linkOf } from '@trpc-sse/server/adapters/fetch'
import superjson from 'superjson'
import { z } from 'zod'
import { channels } from './channels.ts'
import { database, type Todo } from './database.ts'
import type { Session } from './session.ts'

const t = initTRPC.context<{ session: Session }>().create({
  transformer: superjson,
  // Lower than `maxDuration` of the route: the client opens the next stream before this one is cut.
  sse: { maxDurationMs: Number(process.env.SSE_MAX_DURATION_MS || 280_000) },
})

/**
 * A procedure for the owner of a list. The input names the owner: a page that is still open when
 * another user signs in is refused, instead of showing that user's list.
 */
const ownProcedure = t.procedure
  .input(z.object({ user: z.string() }))
  .use(({ ctx, input, next }) => {
    if (ctx.session.user === input.user) return next()
    throw new TRPCError({
      code: 'UNAUTHORIZED',
      message: `You are not signed in as ${input.user}.`,
    })
  })

const id = z.uuid()
const text = z.string().trim().min(1).max(200)
const maxTodos = 200

function put(user: string, todo: Todo) {
  database.saveTodo(user, todo)
  return channels.todos({ user }).publish({ type: 'put', todo })
}

export const appRouter = t.router({
  todos: ownProcedure.query(async ({ input: { user } }) => {
    // Read before the data: an event published in between then arrives twice, instead of never.
    const lastEventId = await channels.todos({ user }).lastEventId()
    return { data: database.todosOf(user), lastEventId }
  }),
  onTodos: ownProcedure.subscription((opts) =>
    channels.todos(opts.input).live(opts, () => database.todosOf(opts.input.user)),
  ),
  add: ownProcedure.input(z.object({ id, text })).mutation(({ input: { user, id, text } }) => {
    const known = database.findTodo(user, id)
    if (!known && database.todosOf(user).length >= maxTodos) {
      throw new TRPCError({ code: 'CONFLICT', message: `A list has room for ${maxTodos}.` })
    }
    return put(user, known ?? { id, text, done: false, addedAt: new Date() })
  }),
  setDone: ownProcedure
    .input(z.object({ id, done: z.boolean() }))
    .mutation(({ input: { user, id, done } }) => {
      const todo = database.findTodo(user, id)
      if (!todo) throw new TRPCError({ code: 'NOT_FOUND', message: 'It is no longer on the list.' })
      return put(user, { ...todo, done })
    }),
  remove: ownProcedure.input(z.object({ id })).mutation(({ input: { user, id } }) => {
    database.removeTodo(user, id)
    return channels.todos({ user }).publish({ type: 'removed', id })
  }),
  // The example has no password: check yours here.
  signIn: t.procedure
    .input(z.object({ name: z.string().trim().toLowerCase().min(1).max(40) }))
    .mutation(({ ctx, input }) => ctx.session.open(input.name)),
  signOut: t.procedure.mutation(({ ctx: { session } }): void => {
    const { user } = session
    session.close()
    // The user's clients reconnect; those of this session are refused.
    linkOf(appRouter)?.disconnect(({ key }) => key === user, 'signed out')
  }),
})

export type AppRouter = typeof appRouter
