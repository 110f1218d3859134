import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readPage, root } from './support/pages.ts'

const { text } = readPage('docs/guarantees.md')
const named = [...text.matchAll(/\[“([^”]+)”\]\(\.\.\/([^)]+)\)/g)].map(
  ([, title = '', file = '']) => ({ title, file }),
)

it('docs/guarantees.md names tests', () => {
  expect(named.length).toBeGreaterThan(50)
})

it.each(named)('docs/guarantees.md: $file has the test “$title”', ({ title, file }) => {
  const source = readFileSync(join(root, file), 'utf8')
  // Count only quoted strings: the titles of tests and the names of cases.
  const titles = [...source.matchAll(/(['"`])((?:(?!\1).)*)\1/g)].map(([, , quoted = '']) => quoted)
  expect(titles.filter((quoted) => quoted.includes(title))).not.toEqual([])
})
