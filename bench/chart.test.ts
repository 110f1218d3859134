import { expect, it } from 'vitest'
import { drawChart } from './chart.ts'

const bars = [
  { name: 'stock', value: 200, label: '200' },
  { name: 'ours', value: 10, label: '10.0' },
]

it('draws the longest bar over the whole width, the others in proportion, the shortest first', () => {
  const svg = drawChart('All', [{ title: 'CPU', bars }])
  const drawn = [...svg.matchAll(/class="(bar[^"]*)" .*? width="([\d.]+)"/g)].map(
    ([, kind, width]) => ({
      kind,
      width,
    }),
  )
  expect(drawn).toEqual([
    { kind: 'bar ours', width: '11.5' },
    { kind: 'bar', width: '230.0' },
  ])
})

it('describes its content in words, as XML', () => {
  const svg = drawChart('a < b', [{ title: 'R & D', bars }])
  expect(svg).toContain('<title>a &lt; b</title>')
  expect(svg).toContain('R &amp; D')
  expect(svg).toContain('>10.0</text>')
})

it('can be read on a light and on a dark page', () => {
  expect(drawChart('', [])).toMatch(/prefers-color-scheme: dark/)
})
