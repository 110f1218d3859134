import { type LiveSubscription, type RunResult, useRun } from '@trpc-sse/react'
import { act, createElement, type Fragment, type ReactNode, StrictMode } from 'react'
import { vi } from 'vitest'
import { createHeadlessRoot, setGlobals } from '../../support/headless-react.ts'
import { type ManualFrames, manualFrames } from '../../support/manual-subscription.ts'
import type { Item, TestRun } from './test-run.ts'

/** The result of `useRun` for a run of texts. */
export type Result = RunResult<string | undefined, Error>

/** Properties of a component that follows a run. */
export interface FollowerProps {
  readonly run: TestRun
  readonly enabled?: boolean
  readonly stop?: () => Promise<unknown>
  readonly apply?: (text: string, delta: string) => string
  /** Called at each render, also at those that React discards. */
  readonly onRender?: (result: Result) => void
  readonly subscription?: Partial<LiveSubscription<Item, Error>>
}

/** A page without a browser, whose frames the test paints. */
export interface Page extends Disposable {
  readonly frames: ManualFrames
  /** A component that follows a run, and renders nothing. */
  readonly Follower: (props: FollowerProps) => null
  /** Returns the result of the last render. */
  last(): Result
  /** The results of all renders. */
  readonly renders: Result[]
  /** Errors that components threw. */
  readonly errors: unknown[]
  /** Returns what React has written to the console. */
  warnings(): unknown[]
  /** Renders a follower for each of these properties. */
  show(...followers: FollowerProps[]): Promise<void>
  render(node: ReactNode): Promise<void>
  /** Runs the test's actions, and paints the next frame. */
  paint(actions?: () => unknown): Promise<void>
}

interface PageOptions {
  /** @default StrictMode */
  readonly mode?: typeof Fragment | typeof StrictMode
  /** Hydrates a follower with these properties. */
  readonly hydrate?: FollowerProps
}

const append = (text: string, delta: string): string => text + delta

/** Opens a page. */
export function openPage({ mode = StrictMode, hydrate }: PageOptions = {}): Page {
  const frames = manualFrames()
  const renders: Result[] = []
  const errors: unknown[] = []
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  const restore = setGlobals({ IS_REACT_ACT_ENVIRONMENT: true })

  function Follower({ run, enabled = true, apply = append, onRender, ...props }: FollowerProps) {
    const subscription = run.subscription({ enabled, ...props.subscription })
    const { stop } = props
    const result = useRun(subscription, { apply, frames: frames.frames, ...(stop && { stop }) })
    renders.push(result)
    onRender?.(result)
    return null
  }

  const { root, ...headless } = createHeadlessRoot({
    ...(hydrate && { hydrate: createElement(mode, null, createElement(Follower, hydrate)) }),
    onError: (error) => errors.push(error),
  })
  const render = (node: ReactNode): Promise<void> =>
    act(async () => root.render(createElement(mode, null, node)))
  return {
    frames,
    Follower,
    renders,
    errors,
    warnings: () => logged.mock.calls,
    last() {
      const last = renders.at(-1)
      if (!last) throw new Error('Nothing was rendered.')
      return last
    },
    render,
    show: (...followers) =>
      render(followers.map((props, key) => createElement(Follower, { key, ...props }))),
    async paint(actions) {
      await act(async () => {
        await actions?.()
        frames.paint()
      })
    },
    [Symbol.dispose]() {
      act(() => root.unmount())
      headless[Symbol.dispose]()
      restore()
      logged.mockRestore()
    },
  }
}
