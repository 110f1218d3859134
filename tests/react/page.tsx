/** The page's API for the test. */
import { QueryClientProvider } from '@tanstack/react-query'
import type { InitialData } from '@trpc-sse/react'
import { type ReactNode, StrictMode, version } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { Answer, Clicks, Forbidden, Lists, Seats, Sums, seen, Ticks, Todos } from './components.tsx'
import type { Todo } from './router.ts'
import { queryClient } from './trpc.ts'

declare const initial: InitialData<Todo[]> | null

const components: Readonly<Record<string, (props: object) => ReactNode>> = {
  Answer,
  Clicks,
  Forbidden,
  Lists,
  Seats,
  Sums,
  Ticks,
  Todos,
}
let root: Root | undefined

const page = {
  seen,
  /** The version of React. */
  version,
  /** Hydration mismatches that React reported. */
  recovered: [] as string[],
  /** Mounts a component in StrictMode. */
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
  /** Starts counting frames, and tasks that don't belong to React. */
  probe() {
    const counts = { frames: 0, otherTasks: 0, commitsBefore: seen.commits }
    setInterval(() => {
      counts.otherTasks += 1
    }, 10)
    const countFrame = (): void => {
      counts.frames += 1
      requestAnimationFrame(countFrame)
    }
    requestAnimationFrame(countFrame)
    page.counts = counts
  },
  counts: { frames: 0, otherTasks: 0, commitsBefore: 0 },
}

export type TestPage = typeof page
Object.assign(globalThis, { page })
