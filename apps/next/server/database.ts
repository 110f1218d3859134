import { oncePerProcess } from './once-per-process.ts'

/** One line of a list. */
export interface Todo {
  readonly id: string
  readonly text: string
  readonly done: boolean
  readonly addedAt: Date
}

/** What an app keeps in its database. */
export interface Database {
  /** Begins a session; returns the secret that its cookie holds. */
  openSession(user: string): string
  closeSession(session: string): void
  /** Whose session it is; `undefined` if it is none. */
  userOf(session: string): string | undefined
  todosOf(user: string): readonly Todo[]
  findTodo(user: string, id: string): Todo | undefined
  saveTodo(user: string, todo: Todo): void
  removeTodo(user: string, id: string): void
}

/** A database in this process's memory, so that the app needs nothing but Node. Put yours in its place. */
function createMemoryDatabase(): Database {
  const sessions = new Map<string, string>()
  const lists = new Map<string, Map<string, Todo>>()
  return {
    openSession(user) {
      const session = crypto.randomUUID()
      sessions.set(session, user)
      return session
    },
    closeSession: (session) => void sessions.delete(session),
    userOf: (session) => sessions.get(session),
    todosOf: (user) => [...(lists.get(user)?.values() ?? [])],
    findTodo: (user, id) => lists.get(user)?.get(id),
    saveTodo(user, todo) {
      const list = lists.get(user) ?? new Map<string, Todo>()
      lists.set(user, list.set(todo.id, todo))
    },
    removeTodo: (user, id) => void lists.get(user)?.delete(id),
  }
}

/** The app's database. */
export const database: Database = oncePerProcess('database', createMemoryDatabase)
