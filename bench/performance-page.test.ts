import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chartFile, pageFiles, readKept } from './kept.ts'
import { drawPage, fillPage, type KeptResults } from './performance-page.ts'
import type { RowResult } from './run.ts'

const row = (name: string, figures: Record<string, number>): RowResult => ({
  name,
  target: 'ours',
  figures,
  rounds: [],
})
const onNode = (node: string, costs: Record<string, number>): KeptResults => ({
  node,
  machine: 'a machine',
  scenarios: [
    {
      name: 'fan-out',
      cases: [
        {
          title: '7 subscribers',
          rows: Object.entries(costs).map(([name, cpuUsPerDelivery]) =>
            row(name, { cpuUsPerDelivery }),
          ),
        },
      ],
    },
  ],
  hotPaths: [],
})
const results: KeptResults = {
  node: 'v24.0.0',
  machine: 'a machine',
  onNodes: [
    onNode('v20.0.0', { ours: 4, 'ours, multiplexed': 5, raw: 8, stock: 100 }),
    onNode('v26.0.0', { ours: 3, raw: 4, stock: 12 }),
  ],
  scenarios: [
    {
      name: 'fan-out',
      cases: [1, 100].map((count) => ({
        title: `${count} subscribers, 1 event a tick, 130 bytes`,
        rows: [
          row('ours', { cpuUsPerDelivery: 5 }),
          row('stock', { cpuUsPerDelivery: count * 20 }),
        ],
      })),
    },
  ],
  hotPaths: [{ name: 'ours', file: 'ours.cpuprofile', functions: [{ name: 'write', share: 0.5 }] }],
}

function blockOf(comment: string): string {
  const page = `before\n<!-- bench: ${comment} -->\nold\n<!-- /bench -->\nafter`
  const filled = fillPage(page, results)
  expect(filled).toMatch(/^before\n<!-- bench: .* -->\n\n[\s\S]*\n\n<!-- \/bench -->\nafter$/)
  expect(filled).not.toContain('old')
  return filled.split('\n').slice(3, -3).join('\n')
}

describe('a page', () => {
  it('gets the numbers of subscribers as columns', () => {
    expect(blockOf('by-subscribers 1 event a tick, 130 bytes')).toBe(
      [
        '| CPU µs/delivery |    1 subscribers |    100 subscribers |',
        '| --------------- | ---------------: | -----------------: |',
        '| ours            | 5.00 (4.0× less) | 5.00 (400.0× less) |',
        '| stock           |             20.0 |             2000.0 |',
      ].join('\n'),
    )
  })

  it('gets the tables of a scenario whose titles begin like this, and no others', () => {
    const block = blockOf('fan-out 100')
    expect(block).toContain('100 subscribers, 1 event a tick, 130 bytes:\n\n|')
    expect(block).not.toContain('\n1 subscribers')
    expect(block).toContain('400.00× less')
  })

  it('gets the versions of Node as rows', () => {
    expect(
      blockOf('by-node 7 subscribers')
        .split('\n')
        .map((line) => line.replace(/ +/g, ' ')),
    ).toEqual([
      '| Node | ours | ours, multiplexed | raw | stock | ours of raw | than stock |',
      expect.stringContaining('---'),
      '| 20.0.0 | 4.00 | 5.00 | 8.00 | 100.0 | 0.50× | 25.0× less |',
      '| 26.0.0 | 3.00 | failed | 4.00 | 12.0 | 0.75× | 4.0× less |',
    ])
  })

  it('gets the machine, and the hottest functions', () => {
    expect(blockOf('machine')).toBe('Node 24.0.0 on a machine.')
    expect(blockOf('hot-path ours')).toContain('| write    |    50.0 % |')
  })

  it.each([
    'storm',
    'fan-out 7',
    'by-subscribers 9 events',
    'by-node 8 subscribers',
    'hot-path stock',
    'nothing',
  ])('is rejected if there are no figures for "%s"', (comment) => {
    expect(() => blockOf(comment)).toThrow(/have (nothing for|no profile of)/)
  })
})

describe('the documentation', () => {
  it.each(pageFiles)('%s has the figures of the kept results', (file) => {
    const page = readFileSync(file, 'utf8')
    expect(page).toContain('<!-- bench: ')
    expect(fillPage(page, readKept())).toBe(page)
  })

  it('shows them in the chart', () => {
    expect(readFileSync(chartFile, 'utf8')).toBe(drawPage(readKept()))
  })
})
