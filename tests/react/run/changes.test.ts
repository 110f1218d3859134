import { createElement, type ReactNode, useState } from 'react'
import { describe, expect, it } from 'vitest'
import { range } from '../../support/numbers.ts'
import { openPage } from './page.ts'
import { TestRun } from './test-run.ts'

describe('another run in the same component', () => {
  it('shows nothing of the old one, which still streams', async () => {
    using page = openPage()
    const [old, next] = [new TestRun('old'), new TestRun('next')]
    await page.show({ run: old })
    await page.paint(() => old.fold('old'))
    const late = old.open[0]?.handlers
    await page.show({ run: next })
    expect(page.last()).toMatchObject({ value: undefined, status: 'connecting', isCaughtUp: false })
    await page.paint(() => {
      // A link may deliver what it has already read.
      late?.onData({ id: '9-0', data: { type: 'delta', data: ' late' } })
      late?.onData({ id: '9-0', data: { type: 'end', status: 'failed' } })
      late?.onError(new Error('late'))
      late?.onConnectionStateChange({ state: 'idle', error: null })
    })
    expect(page.last()).toMatchObject({ value: undefined, status: 'connecting', error: null })
    await page.paint(() => next.fold('next'))
    expect(page.renders.filter(({ value }) => value?.includes('late'))).toEqual([])
    expect(page.last().value).toBe('next')
    expect(old.open).toEqual([])
  })

  it('is followed once, however fast it changes', async () => {
    using page = openPage()
    const runs = range(1, 30).map((n) => new TestRun(`${n}`))
    for (const run of runs) {
      await page.show({ run })
      await page.paint(() => run.fold('text'))
    }
    expect(runs.flatMap(({ open }) => open)).toHaveLength(1)
    expect(runs.at(-1)?.open).toHaveLength(1)
    expect(page.warnings()).toEqual([])
  })

  it('and back again shows the whole value', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    await page.show({ run: a })
    await page.paint(() => a.fold('a'))
    await page.show({ run: b })
    await page.show({ run: a })
    expect(page.last().value).toBeUndefined()
    expect(a.open).toMatchObject([{ from: '' }])
    await page.paint(() => a.fold('aa'))
    expect(page.last().value).toBe('aa')
    expect(b.open).toEqual([])
  })

  it('applies deltas with the function of the last render', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run })
    await page.paint(() => run.fold('a'))
    await page.show({ run, apply: (text, delta) => text + delta.toUpperCase() })
    await page.paint(() => run.say('b'))
    expect(page.last().value).toBe('aB')
    expect(run.open).toHaveLength(1)
  })

  it('may come from the handler of the old one', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    function Chain(): ReactNode {
      const [run, setRun] = useState(a)
      return createElement(page.Follower, {
        run,
        subscription: {
          onData({ data }) {
            if (data.type === 'end') setRun(b)
          },
        },
      })
    }
    await page.render(createElement(Chain))
    await page.paint(() => a.fold('a'))
    await page.paint(() => {
      a.end('completed')
      a.complete()
    })
    expect(a.open).toEqual([])
    await page.paint(() => b.fold('b'))
    expect(page.last()).toMatchObject({ value: 'b', status: 'connecting' })
    expect(page.warnings()).toEqual([])
  })
})

describe('enabled', () => {
  it('false follows nothing, whatever else changes', async () => {
    using page = openPage()
    const [a, b] = [new TestRun('a'), new TestRun('b')]
    await page.show({ run: a, enabled: false })
    await page.show({ run: b, enabled: false })
    await page.show({ run: b, enabled: false, apply: (text) => text })
    expect(page.last()).toMatchObject({ value: undefined, status: 'idle', isStopping: false })
    expect([...a.calls, ...b.calls]).toEqual([])
  })

  it('may be toggled in the middle, and starts again each time', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run, enabled: false })
    for (const value of ['a', 'ab', 'abc']) {
      await page.show({ run, enabled: true })
      expect(page.last()).toMatchObject({ value: undefined, status: 'connecting' })
      await page.paint(() => {
        run.connect()
        run.fold(value)
      })
      expect(page.last()).toMatchObject({ value, status: 'running' })
      await page.show({ run, enabled: false })
      expect(page.last()).toMatchObject({ value: undefined, status: 'idle' })
      expect(run.open).toEqual([])
    }
    expect(page.warnings()).toEqual([])
  })

  it('may follow a run again that nobody had started', async () => {
    using page = openPage()
    const run = new TestRun()
    const error = new Error('The run has not begun in time (waitForStartMs).')
    await page.show({ run })
    await page.paint(() => {
      run.connect()
      run.fold('')
      run.catchUp()
      run.end('none')
      run.fail(error)
    })
    expect(page.last()).toMatchObject({ value: '', status: 'none', error, isCaughtUp: true })
    await page.show({ run, enabled: false })
    await page.show({ run, enabled: true })
    await page.paint(() => run.fold('a'))
    expect(page.last()).toMatchObject({ value: 'a', status: 'connecting', error: null })
  })
})
