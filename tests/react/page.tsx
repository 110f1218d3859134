/** What runs in the page. */
import { QueryClientProvider } from '@tanstack/react-query'
import type { InitialData } from '@trpc-sse/react'
import { type ReactNode, StrictMode, version } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import type { Todo } from './app.ts'
import { Clicks, Forbidden, Lists, seen, Ticks, Todos } from './components.tsx'
import { queryClient } from './trpc.ts'

declare const initial: InitialData<Todo[]> | null

const components: Readonly<Record<string, (props: object) => ReactNode>> = {
  Clicks,
  Forbidden,
  Lists,
  Ticks,
  Todos,
}
let root: Root | undefined

const page = {
  seen,
  /** React's. */
  version,
  /** What React says of a hydration that doesn't fit. */
  recovered: [] as string[],
  /** Mounts a component, as React does it while an app is developed. */
  mount(name: string): void {
    const Component = components[name] ?? (() => null)
    root = createRoot(document.getElementById('root') as Element)
    root.render(
      <StrictMode>
        <QueryClientProvider client={queryClient}>
          <Component />
        </QueryClientProvider>
      </StrictMode>,
    )
  },
  unmount: () => root?.unmount(),
  hydrate(): void {
    hydrateRoot(
      document.getElementById('root') as Element,
      <StrictMode>
        <Todos initialData={initial ?? { data: [] }} />
      </StrictMode>,
      { onRecoverableError: (error) => page.recovered.push(String(error)) },
    )
  },
  /** Counts from now on how often the main thread is free, and how long all tasks took that others felt: of 50 ms and more. */
  probe() {
    const counts = { free: 0, longMs: 0, startedMs: performance.now() }
    setInterval(() => {
      counts.free += 1
    }, 10)
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) counts.longMs += duration
    }).observe({ type: 'longtask' })
    page.counts = counts
  },
  counts: { free: 0, longMs: 0, startedMs: 0 },
  /** How long ago the probe began, in milliseconds. */
  elapsedMs: () => performance.now() - page.counts.startedMs,
}

export type TestPage = typeof page
Object.assign(globalThis, { page })
