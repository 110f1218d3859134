import { describe, expect, it } from 'vitest'
import { markdownOf, tableOf } from './report.ts'
import type { RowResult } from './run.ts'
import { ofRaw, type Scenario, thanStock } from './scenarios/scenario.ts'

const scenario: Scenario = {
  name: 'fan-out',
  title: '',
  about: '',
  columns: [
    { name: 'cpu', title: 'CPU', digits: 1 },
    { name: 'rate', title: 'per second', digits: 0 },
  ],
  ratios: [thanStock('cpu'), ofRaw('cpu')],
  cases: () => [],
}

function row(name: string, figures: Record<string, number>, failures?: string[]): RowResult {
  return { name, target: 'ours', figures, rounds: [], ...(failures && { failures }) }
}

describe('a table', () => {
  it('compares each row with stock and with raw', () => {
    const rows = [
      row('ours', { cpu: 4, rate: 12_345 }),
      row('stock', { cpu: 100, rate: 1 }),
      row('raw', { cpu: 5, rate: 2 }),
    ]
    expect(tableOf(scenario, { title: '', rows })).toEqual([
      ['', 'CPU', 'per second', 'than stock', 'of raw'],
      ['ours', '4.0', '12,345', '25.00× less', '0.80×'],
      ['stock', '100.0', '1', '', '20.00×'],
      ['raw', '5.0', '2', '20.00× less', ''],
    ])
  })

  it('leaves out columns without figures, and ratios without a row to compare with', () => {
    const rows = [row('ours', { cpu: 4 }), row('raw', { cpu: 5 })]
    expect(tableOf(scenario, { title: '', rows })[0]).toEqual(['', 'CPU', 'of raw'])
  })

  it('names a row that failed', () => {
    const rows = [row('ours', { cpu: 4 }), row('stock', {}, ['it broke'])]
    expect(tableOf(scenario, { title: '', rows })).toEqual([
      ['', 'CPU'],
      ['ours', '4.0'],
      ['stock', 'failed'],
    ])
  })

  it('is aligned in Markdown', () => {
    expect(
      markdownOf([
        ['', 'CPU'],
        ['ours', '4.0'],
        ['graphql-sse', '100.0'],
      ]),
    ).toBe(
      [
        '|             |   CPU |',
        '| ----------- | ----: |',
        '| ours        |   4.0 |',
        '| graphql-sse | 100.0 |',
      ].join('\n'),
    )
  })
})
