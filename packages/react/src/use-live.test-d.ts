import type { TRPCClientErrorLike } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import type { TRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { channel, createChannels, stateChannel } from '@trpc-sse/server'
import superjson from 'superjson'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { keyedList, type SseGap, useConnectionState, useLive } from './index.ts'

interface Todo {
  id: string
  text: string
  at: Date
}
type Change = { type: 'put'; todo: Todo } | { type: 'removed'; id: string }

type Step = { type: 'snapshot'; data: string } | { type: 'moved'; data: number }

const todo = z.object({ id: z.string(), text: z.string(), at: z.date() })
const change = z.discriminatedUnion('type', [
  z.object({ type: z.literal('put'), todo }),
  z.object({ type: z.literal('removed'), id: z.string() }),
])
const channels = createChannels({
  transformer: superjson,
  channels: {
    todos: channel({ event: todo }),
    changes: channel({ event: change }),
    clicks: channel({ event: z.number() }),
    steps: channel({ event: z.custom<Step>() }),
    members: stateChannel({ value: z.object({ seenAt: z.date() }) }),
  },
})
const t = initTRPC.create({ transformer: superjson })
const list = z.object({ list: z.string() })
const router = t.router({
  todos: t.procedure.input(list).query(async () => {
    const lastEventId = await channels.todos().lastEventId()
    return { data: [] as Todo[], lastEventId }
  }),
  onTodos: t.procedure
    .input(list)
    .subscription((opts) => channels.todos().live(opts, async (): Promise<Todo[]> => [])),
  onChanges: t.procedure.subscription((opts) =>
    channels.changes().live(opts, async (): Promise<Todo[]> => []),
  ),
  onMembers: t.procedure.subscription((opts) => channels.members().live(opts)),
  onClicks: t.procedure.subscription((opts) => channels.clicks().subscribe(opts)),
  onSteps: t.procedure.subscription((opts) => channels.steps().subscribe(opts)),
  untracked: t.procedure.subscription(async function* () {
    yield 5
  }),
})
declare const trpc: TRPCOptionsProxy<typeof router>
const onTodos = trpc.onTodos.subscriptionOptions({ list: 'a' })
const onChanges = trpc.onChanges.subscriptionOptions()
const onClicks = trpc.onClicks.subscriptionOptions()

describe('useLive of a live subscription', () => {
  it('has the snapshot as its state, or undefined before the first one', () => {
    const live = useLive(onChanges, {
      reduce(state, event, { id }) {
        expectTypeOf(state).toEqualTypeOf<Todo[]>()
        expectTypeOf(event).toEqualTypeOf<Change>()
        expectTypeOf(id).toEqualTypeOf<string>()
        return state
      },
    })
    expectTypeOf(live.data).toEqualTypeOf<Todo[] | undefined>()
    expectTypeOf(live.status).toEqualTypeOf<
      'idle' | 'connecting' | 'pending' | 'complete' | 'error'
    >()
    expectTypeOf(live.gap).toEqualTypeOf<SseGap | null>()
    expectTypeOf(live.error).toExtend<TRPCClientErrorLike<typeof router> | null>()
    // @ts-expect-error no such field
    useLive(onChanges, { reduce: (state, event) => (event.nothing ? state : state) })
    // @ts-expect-error a state is a list
    useLive(onChanges, { reduce: () => 5 })
  })

  it('converts the snapshot to another state', () => {
    const live = useLive(onChanges, {
      snapshot: (todos) => new Set(todos.map(({ id }) => id)),
      reduce: (state, event) => (event.type === 'put' ? new Set([...state, event.todo.id]) : state),
    })
    expectTypeOf(live.data).toEqualTypeOf<Set<string> | undefined>()
  })

  it('always has data if it starts with some', () => {
    const initialData = { data: [] as Todo[], lastEventId: '1-0' }
    expectTypeOf(useLive(onChanges, { reduce: (state) => state, initialData }).data).toEqualTypeOf<
      Todo[]
    >()
    const perhaps = initialData as typeof initialData | undefined
    expectTypeOf(
      useLive(onChanges, { reduce: (state) => state, initialData: perhaps }).data,
    ).toEqualTypeOf<Todo[] | undefined>()
    // @ts-expect-error another state than the reducer's
    useLive(onChanges, { reduce: (state: Todo[]) => state, initialData: { data: 5 } })
  })

  it('keeps a list of items with keys', () => {
    const live = useLive(onTodos, {
      key: ({ id }) => id,
      order: (a, b) => a.at.getTime() - b.at.getTime(),
    })
    expectTypeOf(live.data).toEqualTypeOf<readonly Todo[] | undefined>()
    const initialData = { data: [] as Todo[], lastEventId: '1-0' }
    expectTypeOf(useLive(onTodos, { key: ({ id }) => id, initialData }).data).toEqualTypeOf<
      readonly Todo[]
    >()
    // @ts-expect-error no such field
    useLive(onTodos, { key: (item) => item.key })
    // @ts-expect-error a state is a list
    useLive(onTodos, { key: (item) => item.id, write: (data: number) => data })
    // @ts-expect-error a state is a list
    useLive(onTodos, { key: (item) => item.id, initialData: { data: 5 } })
  })

  it('shows optimistic events', () => {
    const { optimistic } = useLive(onTodos, { key: ({ id }) => id })
    const added = { id: 'a', text: 'b', at: new Date() }
    optimistic(added, channels.todos().publish(added), { isSame: (event) => event.id === 'a' })
    // @ts-expect-error not an event
    optimistic({ id: 'a' }, channels.todos().publish(added))
    // @ts-expect-error the id is missing
    optimistic(added, Promise.resolve())
  })

  it('passes its state to write', () => {
    useLive(onTodos, {
      key: ({ id }) => id,
      write(data, lastEventId) {
        expectTypeOf(data).toEqualTypeOf<readonly Todo[]>()
        expectTypeOf(lastEventId).toEqualTypeOf<string>()
      },
    })
  })
})

describe('useLive of another subscription', () => {
  it('folds events into its initial data', () => {
    const live = useLive(onClicks, {
      reduce: (sum, clicks) => sum + clicks,
      initialData: { data: 0 },
    })
    expectTypeOf(live.data).toEqualTypeOf<number>()
    const counts = useLive(onClicks, {
      reduce: (all, clicks) => [...all, clicks],
      initialData: { data: [] as number[] },
    })
    expectTypeOf(counts.data).toEqualTypeOf<number[]>()
  })

  it('requires initial data', () => {
    // @ts-expect-error without snapshots, the state must start with something
    useLive(onClicks, { reduce: (sum: number, clicks) => sum + clicks })
    // @ts-expect-error nor a list
    useLive(onClicks, { key: (clicks) => clicks })
    const perhaps = { data: 0 } as { data: number } | undefined
    const { data } = useLive(onClicks, {
      reduce: (sum, clicks) => sum + clicks,
      initialData: perhaps,
    })
    expectTypeOf(data).toEqualTypeOf<number | undefined>()
  })

  it('accepts events with a type property of their own', () => {
    const counted = useLive(trpc.onSteps.subscriptionOptions(), {
      reduce(all, step) {
        expectTypeOf(step).toEqualTypeOf<Step>()
        return [...all, step]
      },
      initialData: { data: [] as Step[] },
    })
    expectTypeOf(counted.data).toEqualTypeOf<Step[]>()
    // @ts-expect-error a step whose type is `snapshot` is an event: initial data is required
    useLive(trpc.onSteps.subscriptionOptions(), { reduce: (all: Step[], step) => [...all, step] })
  })

  it('requires a tracked subscription', () => {
    // @ts-expect-error without ids nothing is resumed
    useLive(trpc.untracked.subscriptionOptions(), {
      reduce: (n: number) => n,
      initialData: { data: 0 },
    })
  })
})

describe('the rest', () => {
  it('keyedList changes lists of its items', () => {
    const todos = keyedList<Todo>({ key: ({ id }) => id })
    useLive(onChanges, {
      reduce: (state: readonly Todo[], event) =>
        event.type === 'put' ? todos.upsert(state, event.todo) : todos.remove(state, event.id),
    })
    // @ts-expect-error not an item
    todos.upsert([], { id: 'a' })
  })

  it('useConnectionState returns the state of the connection', () => {
    expectTypeOf(useConnectionState().status).toEqualTypeOf<'idle' | 'connecting' | 'pending'>()
  })
})

describe('useLive of a state channel', () => {
  const onMembers = trpc.onMembers.subscriptionOptions()

  it('is a list of entries by key', () => {
    const live = useLive(onMembers, {
      key: (entry) => entry.key,
      order: (a, b) => a.value.seenAt.getTime() - b.value.seenAt.getTime(),
    })
    type Entries = ReadonlyArray<{ readonly key: string; readonly value: { seenAt: Date } }>
    expectTypeOf(live.data).toExtend<Entries | undefined>()
    expectTypeOf<Entries | undefined>().toExtend<typeof live.data>()
    // @ts-expect-error entries have a key
    useLive(onMembers, { key: (entry) => entry.id })
  })

  it('takes a reducer of changes', () => {
    useLive(onMembers, {
      snapshot: (entries) => new Map(entries.map(({ key, value }) => [key, value])),
      reduce(state, change) {
        const next = new Map(state)
        if (change.type === 'removed') next.delete(change.key)
        else next.set(change.key, change.value)
        return next
      },
    })
  })
})
