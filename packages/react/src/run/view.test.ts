import { describe, expect, it } from 'vitest'
import type { RunItem } from './items.ts'
import { foldRules } from './rules.ts'
import { emptyView, isMark, nextView, type RunView, toRunItem } from './view.ts'

const rules = foldRules((text: string, delta) => `${text}${delta}`)

function viewAfter(start: string | undefined, ...items: RunItem[]): RunView<string> {
  const empty: RunView<string> = { ...emptyView, value: start }
  return items.reduce((view, item) => nextView(view, item, rules), empty)
}

describe('the view of a run', () => {
  it('has the fold, and each delta that follows', () => {
    const view = viewAfter(
      undefined,
      { type: 'fold', value: 'ab' },
      { type: 'delta', data: 'c' },
      { type: 'delta', data: 'd' },
    )
    expect(view).toEqual({ value: 'abcd', isCaughtUp: false, end: undefined })
  })

  it('is caught up from the mark on, even if a later fold replaces deltas', () => {
    const view = viewAfter('', { type: 'caught-up' }, { type: 'fold', value: 'abc' })
    expect(view).toMatchObject({ value: 'abc', isCaughtUp: true })
  })

  it.each(['completed', 'stopped', 'failed', 'abandoned', 'none'] as const)(
    'keeps the value of a run that is %s, and gives the reason',
    (status) => {
      const end = { type: 'end', status, reason: 'enough' } as const
      expect(viewAfter('', { type: 'delta', data: 'a' }, end, end)).toEqual({
        value: 'a',
        isCaughtUp: true,
        end,
      })
    },
  )

  it('refuses items that no run sends, and a delta without a value to apply it to', () => {
    for (const value of [{ type: 'snapshot', data: 1 }, null, 'delta', {}])
      expect(() => toRunItem(value)).toThrow('Return follow() of a run')
    expect(() => viewAfter(undefined, { type: 'delta', data: 'a' })).toThrow('leave out `apply`')
  })

  it('distinguishes marks, which have the id of the item before them', () => {
    const items: RunItem[] = [
      { type: 'fold', value: '' },
      { type: 'delta', data: 1 },
      { type: 'caught-up' },
      { type: 'end', status: 'stopped' },
    ]
    expect(items.map(isMark)).toEqual([false, false, true, true])
  })
})
