/** The page's API for the test. */
import { TanStackDevtoolsCore } from '@tanstack/devtools'
import { TanStackDevtools } from '@tanstack/react-devtools'
import {
  createTRPCUntypedClient,
  httpBatchLink,
  type OperationResultEnvelope,
  type TRPCLink,
} from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { type Observer, observable } from '@trpc/server/observable'
import { sseLink } from '@trpc-sse/client'
import { createDevtools, type Panel, type PanelOptions } from '@trpc-sse/devtools'
import { reactPlugin } from '@trpc-sse/devtools/react'
import { type Clock, systemClock } from '@trpc-sse/protocol'
import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import superjson from 'superjson'

/** The number of timers that the panels have started: they need one to do anything. */
let timers = 0

/** Timers of ten seconds wait for the test. All others, such as those of the panel, don't. */
const heldMs = 10_000
const held = new Set<() => void>()
let passedMs = 0
const clock: Clock = {
  ...systemClock,
  now: () => Date.now() + passedMs,
  after(ms, callback) {
    timers += 1
    if (ms < heldMs) return systemClock.after(ms, callback)
    held.add(callback)
    return () => held.delete(callback)
  },
}
const devtools = createDevtools({ clock })
const url = new URL('/trpc', location.href).href
const client = createTRPCUntypedClient({
  links: [
    devtools.link(),
    sseLink(
      devtools.options({
        url,
        transformer: superjson,
        headers: { authorization: 'Bearer secret-header' },
        connectionParams: { token: 'secret-param' },
        // So long that only the return of the network can be the reason for a reconnect.
        retry: { baseMs: 3_600_000, maxMs: 3_600_000 },
      }),
    ),
    httpBatchLink({ url, transformer: superjson }),
  ],
})

type Envelopes = Observer<OperationResultEnvelope<unknown, never>, never>
const simulated = createDevtools({
  clock: {
    ...systemClock,
    after(ms, callback) {
      timers += 1
      return systemClock.after(ms, callback)
    },
  },
})
const observers: Envelopes[] = []
/** Ends calls without a server, for numbers that one would refuse. */
const simulatedLink: TRPCLink<AnyTRPCRouter> = () => () =>
  observable((observer) => {
    observers.push(observer as Envelopes)
    observer.next({ result: { type: 'started' } })
  })
const simulatedClient = createTRPCUntypedClient({ links: [simulated.link(), simulatedLink] })

const root = document.getElementById('root') as HTMLElement
let panel: Panel | undefined
const subscriptions: { unsubscribe(): void }[] = []

const page = {
  /** The data of all events, in order. */
  got: [] as unknown[],
  gaps: 0,
  mount(options: PanelOptions = {}): void {
    root.style.height = '100vh'
    document.body.style.margin = '0'
    panel = devtools.mount(root, options)
  },
  update: (options: PanelOptions) => panel?.update(options),
  unmount: () => panel?.unmount(),
  /** Shows a page with TanStack Devtools. */
  mountInTanStack(theme: 'light' | 'dark'): void {
    document.documentElement.style.colorScheme = theme
    createRoot(root).render(
      createElement(TanStackDevtools, {
        plugins: [{ ...reactPlugin(devtools), defaultOpen: true }],
        config: { theme, defaultOpen: true },
      }),
    )
  },
  mountInCore(): void {
    new TanStackDevtoolsCore({
      plugins: [{ ...devtools.plugin, defaultOpen: true }],
      config: { theme: 'dark', defaultOpen: true },
    }).mount(root)
  },
  follow(path: string, input?: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      subscriptions.push(
        client.subscription(path, input, {
          onStarted: () => resolve(),
          onData: (event: unknown) => page.got.push(Object(event).data ?? event),
          onError: reject,
        }),
      )
    })
  },
  /** Follows with an input that JSON and HTML have trouble with. */
  followHostile: () => page.follow('onMessage', hostile()),
  unfollow: (index: number) => subscriptions[index]?.unsubscribe(),
  /** Lets ten seconds pass. */
  pass(): void {
    passedMs += heldMs
    for (const callback of held) {
      held.delete(callback)
      callback()
    }
  },
  send: (text: string) => client.mutation('send', { id: 'a', text }),
  /** Starts many subscriptions that no server has, and shows them. */
  simulate(count: number): void {
    panel = simulated.mount(root)
    for (let number = 0; number < count; number += 1)
      simulatedClient.subscription('onTick', { number }, { onData() {} })
  },
  /** Sends events to simulated subscriptions in turn. Returns the milliseconds that it took. */
  tick(count: number): number {
    const startedMs = performance.now()
    for (let number = 0; number < count; number += 1) {
      const data = { id: `${number}-0`, data: { number, text: 'x'.repeat(100) } }
      observers[number % observers.length]?.next({ result: { id: `${number}-0`, data } })
    }
    return performance.now() - startedMs
  },
  timers: () => timers,
}

function hostile(): object {
  const circular: Record<string, unknown> = { id: 'hostile' }
  circular.self = circular
  circular.html = '<img src=x onerror="document.title=`injected`">'
  circular.huge = 'x'.repeat(1_000_000)
  circular.big = 10n ** 20n
  circular.nothing = undefined
  return circular
}

export type TestPage = typeof page
Object.assign(globalThis, { page })
