import { useRun } from '@trpc-sse/react'
import { createElement, type ReactNode } from 'react'
import { describe, expect, it } from 'vitest'
import { openPage } from './page.ts'
import { type ListItem, TestRun } from './test-run.ts'

/** Opens a page with a component that follows a run without a fold. */
function openListPage() {
  const page = openPage()
  const values: (readonly string[])[] = []
  function List({ run }: { run: TestRun<ListItem> }): ReactNode {
    values.push(useRun(run.subscription(), page.frames).value)
    return null
  }
  return Object.assign(page, {
    follow: (run: TestRun<ListItem>) => page.render(createElement(List, { run })),
    lastValue: () => values.at(-1),
  })
}

describe('a run without a fold', () => {
  it('has the list of its deltas, which is a new one whenever it grows', async () => {
    using page = openListPage()
    const run = new TestRun<ListItem>()
    await page.follow(run)
    expect(page.lastValue()).toEqual([])
    await page.paint(() => run.say('a'))
    const before = page.lastValue()
    await page.paint(() => run.say('b'))
    expect(before).toEqual(['a'])
    const after = page.lastValue()
    expect(after).toEqual(['a', 'b'])
    await page.paint(() => run.connect())
    expect(page.lastValue()).toBe(after)
  })

  it('starts with an empty list again, for each component', async () => {
    using page = openListPage()
    const [a, b] = [new TestRun<ListItem>('a'), new TestRun<ListItem>('b')]
    await page.follow(a)
    await page.paint(() => a.say('a'))
    await page.follow(b)
    expect(page.lastValue()).toEqual([])
    await page.paint(() => b.say('b'))
    expect(page.lastValue()).toEqual(['b'])
  })

  it('refuses the value of a fold, and says what to pass', async () => {
    using page = openListPage()
    const run = new TestRun<ListItem>()
    await page.follow(run)
    await page.paint(() => expect(() => run.fold('a')).toThrow('Pass `apply`'))
    expect(page.lastValue()).toEqual([])
  })
})
