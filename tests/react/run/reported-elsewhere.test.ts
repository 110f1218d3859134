// What users of other libraries have reported about hooks like `useRun`.
import { createElement, type ReactNode, useState } from 'react'
import { describe, expect, it } from 'vitest'
import { createDeferred } from '../../support/deferred.ts'
import { type FollowerProps, openPage, type Result } from './page.ts'
import { TestRun } from './test-run.ts'

describe('useRun has none of these problems', () => {
  it('data never arrives in StrictMode (apollo-client#9664)', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run })
    await page.paint(() => run.fold('a'))
    expect(page.last().value).toBe('a')
  })

  it('StrictMode leaves a second subscription behind (apollo-client#6037, urql#483)', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run })
    expect(run.open).toHaveLength(1)
    await page.show()
    expect(run.open).toEqual([])
  })

  it('a skipped subscription never starts (apollo-client#10084)', async () => {
    using page = openPage()
    const run = new TestRun()
    for (const enabled of [false, false, true]) await page.show({ run, enabled })
    await page.paint(() => run.fold('a'))
    expect(page.last()).toMatchObject({ value: 'a', status: 'connecting' })
  })

  it('a skipped subscription starts when its input changes (apollo-client#9299)', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    await page.show({ run: a, enabled: false })
    await page.show({ run: b, enabled: false })
    expect([...a.calls, ...b.calls]).toEqual([])
  })

  it('a paused subscription starts with an old input (urql#2330)', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    await page.show({ run: a })
    await page.show({ run: a, enabled: false })
    await page.show({ run: b, enabled: false })
    await page.show({ run: b, enabled: true })
    expect([a.open.length, b.open.length]).toEqual([0, 1])
  })

  it('old data comes back after the input has changed (apollo-client#6970, #8439)', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    await page.show({ run: a })
    await page.paint(() => a.fold('old'))
    await page.show({ run: b })
    const since = page.renders.length - 1
    // Another state of the same component makes it render again.
    await page.show({ run: b, apply: (text) => text })
    await page.paint(() => b.fold('new'))
    expect(page.renders.slice(since).map(({ value }) => value)).not.toContain('old')
  })

  it('a handler that unmounts the component causes warnings (react-apollo#2681)', async () => {
    using page = openPage()
    const run = new TestRun()
    function Leaving(): ReactNode {
      const [isShown, setIsShown] = useState(true)
      const onData = (): void => setIsShown(false)
      return isShown ? createElement(page.Follower, { run, subscription: { onData } }) : null
    }
    await page.render(createElement(Leaving))
    await page.paint(() => run.fold('a'))
    expect(run.open).toEqual([])
    expect(page.warnings()).toEqual([])
  })

  it('a field that only some renders read is stale (trpc#7036)', async () => {
    using page = openPage()
    const run = new TestRun()
    const seen: unknown[] = []
    const onRender = (result: Result): void => {
      if (result.isCaughtUp) seen.push(result.value)
    }
    await page.show({ run, onRender })
    await page.paint(() => run.fold('a'))
    await page.paint(() => run.say('b'))
    await page.paint(() => run.catchUp())
    expect(new Set(seen)).toEqual(new Set(['ab']))
  })

  it('the status stays streaming after a stop (vercel/ai#4891, #5113, #2130)', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run, stop: async () => run.end('stopped') })
    await page.paint(() => run.fold('a'))
    await page.paint(() => page.last().stop())
    expect(page.last()).toMatchObject({ value: 'a', status: 'stopped', isStopping: false })
  })

  it('the hook stays busy after an error (vercel/ai#2876)', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run, stop: async () => {} })
    await page.paint(() => run.connect())
    await page.paint(() => page.last().stop())
    await page.paint(() => run.fail(new Error('no')))
    expect(page.last()).toMatchObject({ status: 'error', isStopping: false })
  })

  it('a stop followed by a new request clears the state of the new one (vercel/ai#21224)', async () => {
    using page = openPage()
    const [old, next] = [new TestRun('old'), new TestRun('next')]
    const stopped = createDeferred()
    const stop = (): Promise<void> => stopped.promise
    await page.show({ run: old, stop })
    await page.paint(() => void page.last().stop())
    await page.show({ run: next, stop })
    await page.paint(() => next.connect())
    await page.paint(() => stopped.resolve())
    expect(page.last()).toMatchObject({ status: 'running', isStopping: false })
    await page.paint(() => void page.last().stop())
    expect(page.last().isStopping).toBe(true)
  })

  it('text of one chat appears in the next one (vercel/ai#386)', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    const results: Record<string, string | undefined> = {}
    const named = (run: TestRun, name: string): FollowerProps => ({
      run,
      onRender({ value }) {
        results[name] = value
      },
    })
    await page.show(named(a, 'left'), named(b, 'right'))
    await page.paint(() => {
      a.fold('a')
      b.fold('b')
    })
    await page.show(named(b, 'left'), named(a, 'right'))
    expect(results).toEqual({ left: undefined, right: undefined })
    await page.paint(() => {
      b.fold('b')
      a.fold('a!')
    })
    expect(results).toEqual({ left: 'b', right: 'a!' })
  })

  it('the status flashes when there is nothing to resume (vercel/ai#12102)', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run, enabled: false })
    await page.show({ run, enabled: false })
    expect(new Set(page.renders.map(({ status }) => status))).toEqual(new Set(['idle']))
  })
})
