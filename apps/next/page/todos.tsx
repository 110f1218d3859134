'use client'

import { AddForm } from './add-form.tsx'
import { Header } from './header.tsx'
import { SignIn } from './sign-in.tsx'
import { type InitialTodos, useTodos } from './use-todos.ts'

/** A user's list: first as the server rendered it, then live. */
export function Todos({ user, initialData }: { user: string; initialData: InitialTodos }) {
  const { todos, status, error, failure, add, setDone, remove, reset } = useTodos(user, initialData)
  if (status === 'error' && error?.data?.code === 'UNAUTHORIZED') {
    return <SignIn why="You are signed out." onSignedIn={reset} />
  }
  const left = todos.filter(({ done }) => !done).length
  return (
    <section className="card">
      <Header user={user} status={status} error={error} onRetry={reset} />
      <AddForm onAdd={add} />
      {failure && <p role="alert">{failure}</p>}
      {todos.length === 0 ? (
        <p className="empty">Nothing to do yet. Add something, and watch it in another window.</p>
      ) : (
        <ul>
          {todos.map((todo) => (
            <li key={todo.id} data-done={todo.done}>
              <label>
                <input
                  type="checkbox"
                  checked={todo.done}
                  onChange={() => setDone(todo, !todo.done)}
                />
                <span>{todo.text}</span>
              </label>
              <button type="button" aria-label={`Remove ${todo.text}`} onClick={() => remove(todo)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {todos.length > 0 && (
        <p className="hint">{left === 0 ? 'All done.' : `${left} left to do.`}</p>
      )}
      <noscript>
        <p className="hint">
          This is the list at the time the page was loaded. With JavaScript it is live.
        </p>
      </noscript>
    </section>
  )
}
