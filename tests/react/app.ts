import http from 'node:http'
import { join } from 'node:path'
import { initTRPC, TRPCError } from '@trpc/server'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { build } from 'esbuild'
import { z } from 'zod'
import { openDoor } from '../support/door.ts'
import { listen } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { renderPage } from './render.tsx'

const todo = z.object({ id: z.string(), text: z.string() })
/** An item of the app's list. */
export type Todo = z.infer<typeof todo>

function createRouter() {
  const channels = createChannels({
    channels: {
      todos: channel({ params: z.object({ list: z.string() }), event: todo }),
      ticks: channel({ event: z.number(), retain: { events: 100_000 } }),
      clicks: channel({ event: z.number(), retain: { events: 5 } }),
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

export type ReactRouter = ReturnType<typeof createRouter>['router']

/** Serves an app of lists with two pages: an empty one, and `/rendered`, with its data. */
export async function serveApp({ alias = {} }: { alias?: Record<string, string> } = {}) {
  const { channels, router, ...app } = createRouter()
  const handler = createHTTPHandler({
    router,
    channels,
    basePath: '/trpc/',
    retryMs: 10,
    createContext: () => ({}),
  })
  const script = await bundle(alias)
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    if (pathname.startsWith('/trpc/')) return handler(request, response)
    if (pathname === '/page.js')
      return response.setHeader('content-type', 'text/javascript').end(script)
    response.setHeader('content-type', 'text/html')
    if (pathname !== '/rendered') return response.end(pageOf('', undefined))
    void router
      .createCaller({})
      .todos({ list: 'a' })
      .then((todos) => response.end(pageOf(renderPage(todos), todos)))
  })
  const { url, ...listening } = await listen(server)
  const door = await openDoor([Number(new URL(url).port)])
  return {
    ...app,
    channels,
    link: handler.link,
    url: door.url,
    /** Disconnects all pages until `comeBack`. */
    goAway() {
      door.setPorts([])
      door.cut()
    },
    comeBack: () => door.setPorts([Number(new URL(url).port)]),
    async [Symbol.asyncDispose](): Promise<void> {
      await door[Symbol.asyncDispose]()
      await channels.close()
      await listening[Symbol.asyncDispose]()
    },
  }
}

export type App = Awaited<ReturnType<typeof serveApp>>

function pageOf(html: string, data: unknown): string {
  const json = JSON.stringify(data ?? null).replaceAll('<', '\\u003c')
  return `<!doctype html><div id="root">${html}</div><script>initial = ${json}</script><script type="module" src="/page.js"></script>`
}

/** Bundles the page's script with React's development build, so that StrictMode is effective. */
async function bundle(alias: Record<string, string>): Promise<string> {
  const { outputFiles } = await build({
    // Aliases are resolved from here.
    absWorkingDir: join(import.meta.dirname, '..'),
    entryPoints: [join(import.meta.dirname, 'page.tsx')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    alias,
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  return outputFiles[0]?.text ?? ''
}
