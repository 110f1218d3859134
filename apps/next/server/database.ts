import { oncePerProcess } from './once-per-process.ts'

/** An item of a list. */
export interface Todo {
  readonly id: string
  readonly text: string
  readonly done: boolean
  readonly addedAt: Date
}

/** The app's database. */
export interface Database {
  /** Starts a session. Returns the secret for its cookie. */
  openSession(user: string): string
  closeSession(session: string): void
  /** Returns the user of a session; `undefined` if there is no such session. */
  userOf(session: string): string | undefined
  todosOf(user: string): readonly Todo[]
  findTodo(user: string, id: string): Todo | undefined
  saveTodo(user: string, todo: Todo): void
  removeTodo(user: string, id: string): void
}

/** Creates a database in memory, so that the app needs only Node. Replace it by yours. */
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

export const database: Database = oncePerProcess('database', createMemoryDatabase)
