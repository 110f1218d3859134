import {
  createElement,
  Fragment,
  type ReactNode,
  StrictMode,
  Suspense,
  startTransition,
  use,
  useLayoutEffect,
  useState,
} from 'react'
import { renderToString } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { createDeferred } from '../../support/deferred.ts'
import { range } from '../../support/numbers.ts'
import { type FollowerProps, openPage, type Result } from './page.ts'
import { TestRun } from './test-run.ts'

describe.each([
  ['in StrictMode', StrictMode],
  ['without StrictMode', Fragment],
] as const)('useRun, %s', (_, mode) => {
  it('follows a run from its start to its end, with one subscription', async () => {
    using page = openPage({ mode })
    const run = new TestRun()
    await page.show({ run })
    expect(page.last()).toMatchObject({ value: undefined, status: 'connecting', isCaughtUp: false })
    await page.paint(() => {
      run.connect()
      run.fold('a')
      run.catchUp()
    })
    expect(page.last()).toMatchObject({ value: 'a', status: 'running', isCaughtUp: true })
    await page.paint(() => {
      run.say('b')
      run.say('c')
      run.end('completed')
      run.complete()
    })
    expect(page.last()).toMatchObject({ value: 'abc', status: 'completed', isCaughtUp: true })
    expect(run.open).toHaveLength(1)
    expect(page.warnings()).toEqual([])
  })

  it('leaves nothing behind when it is mounted and unmounted in a loop', async () => {
    using page = openPage({ mode })
    const run = new TestRun()
    for (const _ of range(1, 50)) {
      await page.show({ run })
      await page.show()
    }
    expect(run.calls.length).toBeGreaterThanOrEqual(50)
    expect(run.open).toEqual([])
    expect(page.frames.paint()).toBe(0)
    expect(page.warnings()).toEqual([])
  })

  it('leaves nothing behind when it is unmounted before it was painted', async () => {
    using page = openPage({ mode })
    const run = new TestRun()
    function Fleeting(): ReactNode {
      const [isShown, setIsShown] = useState(true)
      useLayoutEffect(() => setIsShown(false), [])
      return isShown ? createElement(page.Follower, { run }) : null
    }
    await page.render(createElement(Fleeting))
    expect(run.open).toEqual([])
    expect(page.frames.paint()).toBe(0)
    expect(page.warnings()).toEqual([])
  })

  it('starts again when it is mounted again, and shows the whole value', async () => {
    using page = openPage({ mode })
    const run = new TestRun()
    await page.show({ run })
    await page.paint(() => run.fold('a'))
    await page.show()
    await page.show({ run })
    expect(page.last()).toMatchObject({ value: undefined, status: 'connecting' })
    expect(run.open).toMatchObject([{ from: '' }])
    await page.paint(() => run.fold('ab'))
    expect(page.last().value).toBe('ab')
  })

  it('shows one run in two components that come and go at different times', async () => {
    using page = openPage({ mode })
    const run = new TestRun()
    const results: Record<string, Result> = {}
    const named = (name: string): FollowerProps => ({
      run,
      onRender(result) {
        results[name] = result
      },
    })
    await page.show(named('first'))
    await page.paint(() => run.fold('a'))
    await page.show(named('first'), named('second'))
    expect(results.second?.value).toBeUndefined()
    await page.paint(() => run.fold('a'))
    await page.paint(() => run.say('b'))
    expect([results.first?.value, results.second?.value]).toEqual(['ab', 'ab'])
    await page.show(named('first'))
    await page.paint(() => run.say('c'))
    expect([results.first?.value, results.second?.value]).toEqual(['abc', 'ab'])
    expect(run.open).toHaveLength(1)
  })
})

describe('useRun on a server', () => {
  it('renders the state before the first item, and subscribes to nothing', () => {
    using page = openPage()
    const run = new TestRun()
    renderToString(createElement(page.Follower, { run }))
    renderToString(createElement(page.Follower, { run, enabled: false }))
    expect(page.renders).toMatchObject([
      { value: undefined, status: 'connecting', isCaughtUp: false, isStopping: false, error: null },
      { value: undefined, status: 'idle' },
    ])
    expect(run.calls).toEqual([])
    expect(page.frames.paint()).toBe(0)
  })

  it('hydrates with the state that the server rendered, and then follows', async () => {
    const run = new TestRun()
    using page = openPage({ hydrate: { run } })
    await page.paint()
    expect(run.open).toHaveLength(1)
    await page.paint(() => run.fold('a'))
    expect(page.renders[0]).toMatchObject({ value: undefined, status: 'connecting' })
    expect(page.last().value).toBe('a')
    expect(page.errors).toEqual([])
    expect(page.warnings()).toEqual([])
  })
})

describe('useRun with Suspense and transitions', () => {
  it('subscribes only once its component is no longer suspended', async () => {
    using page = openPage()
    const run = new TestRun()
    const { promise, resolve } = createDeferred<string>()
    function Waiting(): ReactNode {
      const follower = page.Follower({ run })
      use(promise)
      return follower
    }
    await page.render(createElement(Suspense, null, createElement(Waiting)))
    expect(run.calls).toEqual([])
    await page.paint(() => resolve('ready'))
    await page.paint(() => run.fold('a'))
    expect(page.last().value).toBe('a')
    expect(run.open).toHaveLength(1)
  })

  it('goes on while its component is hidden by a later suspension, and after it', async () => {
    using page = openPage()
    const run = new TestRun()
    let suspend = (_: Promise<string> | undefined): void => {}
    function Waiting(): ReactNode {
      const [promise, setPromise] = useState<Promise<string>>()
      suspend = setPromise
      const follower = page.Follower({ run })
      if (promise) use(promise)
      return follower
    }
    await page.render(createElement(Suspense, null, createElement(Waiting)))
    await page.paint(() => run.fold('a'))
    const { promise, resolve } = createDeferred<string>()
    await page.paint(() => suspend(promise))
    await page.paint(() => run.say('b'))
    await page.paint(() => resolve('ready'))
    expect(page.last().value).toBe('ab')
    expect(run.open).toHaveLength(1)
    expect(page.warnings()).toEqual([])
  })

  it('keeps the old run until a transition to another one is ready', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    const { promise, resolve } = createDeferred<string>()
    let show = (_: TestRun): void => {}
    function Switch(): ReactNode {
      const [run, setRun] = useState(a)
      show = setRun
      const follower = page.Follower({ run })
      if (run === b) use(promise)
      return follower
    }
    await page.render(createElement(Suspense, null, createElement(Switch)))
    await page.paint(() => a.fold('a'))
    await page.paint(() => startTransition(() => show(b)))
    await page.paint(() => a.say('a'))
    expect(a.open).toHaveLength(1)
    expect(b.calls).toEqual([])
    await page.paint(() => resolve('ready'))
    expect(a.open).toEqual([])
    expect(b.open).toHaveLength(1)
    expect(page.last()).toMatchObject({ value: undefined, status: 'connecting' })
    await page.paint(() => b.fold('b'))
    expect(page.last().value).toBe('b')
    expect(page.warnings()).toEqual([])
  })
})
