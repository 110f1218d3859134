'use client'

import type { inferRouterOutputs } from '@trpc/server'
import { keyedList, useLive } from '@trpc-sse/react'
import { useState } from 'react'
import type { AppRouter } from '../server/router.ts'
import { useTRPC, useTRPCClient } from './trpc.tsx'

/** The data that the server rendered the page with. */
export type InitialTodos = inferRouterOutputs<AppRouter>['todos']
type Todo = InitialTodos['data'][number]

const list = keyedList<Todo>({
  key: ({ id }) => id,
  order: (a, b) => a.addedAt.getTime() - b.addedAt.getTime(),
})

/**
 * Returns a user's list, which starts with the server-rendered state and stays live, and optimistic
 * mutations for it.
 */
export function useTodos(user: string, initialData: InitialTodos) {
  const client = useTRPCClient()
  const { data, optimistic, ...live } = useLive(useTRPC().onTodos.subscriptionOptions({ user }), {
    initialData,
    reduce: (todos, event) =>
      event.type === 'put' ? list.upsert(todos, event.todo) : list.remove(todos, event.id),
  })
  const [failure, setFailure] = useState<string>()

  type Event = Parameters<typeof optimistic>[0]
  function change(event: Event, sent: Promise<{ readonly id: string }>): void {
    setFailure(undefined)
    optimistic(event, sent)
    sent.catch((error: Error) => setFailure(`Not saved: ${error.message}`))
  }

  return {
    ...live,
    todos: data,
    failure,
    add(text: string): void {
      const todo = { id: crypto.randomUUID(), text, done: false, addedAt: new Date() }
      change({ type: 'put', todo }, client.add.mutate({ user, id: todo.id, text }))
    },
    setDone(todo: Todo, done: boolean): void {
      change(
        { type: 'put', todo: { ...todo, done } },
        client.setDone.mutate({ user, id: todo.id, done }),
      )
    },
    remove({ id }: Todo): void {
      change({ type: 'removed', id }, client.remove.mutate({ user, id }))
    },
  }
}
