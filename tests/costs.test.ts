import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesIn, readPage, root } from './support/pages.ts'

interface Row {
  readonly sent: string
  readonly bounds: string
  /** The test's file, and a part of the test's title. */
  readonly file: string
  readonly title: string
}

const [, section = ''] = readPage('docs/server-link.md').text.split(
  /^## What one client can cost.*$/m,
)
const [table = ''] = section.split(/^## /m)
const lines = table.split('\n').filter((line) => line.startsWith('|'))

const rows: readonly Row[] = lines.slice(2).map((line) => {
  const [, sent = '', , bounds = '', test = ''] = line.split('|').map((cell) => cell.trim())
  const [, file = '', title = ''] = test.match(/\]\(\.\.\/(\S+) "(.+)"\)$/) ?? []
  return { sent, bounds, file, title }
})

const options = rows.flatMap(({ bounds }) =>
  Array.from(
    bounds.matchAll(/`(?:limits|reads)?\.?(\w+)` \(([\d,]+)/g),
    ([, name = '', value = '']) => ({
      name,
      value: value.replaceAll(',', '_'),
    }),
  ),
)

const sources = filesIn('packages/server/src', /(?<!\.test)\.ts$/).map((path) =>
  readFileSync(join(root, path), 'utf8'),
)

describe('what one client can cost', () => {
  it('is one table, whose bounds are options', () => {
    expect(rows.length).toBeGreaterThan(10)
    expect(options.length).toBeGreaterThan(10)
  })

  it.each(rows)('is held by a test: $sent', ({ file, title }) => {
    expect(existsSync(join(root, file)), file).toBe(true)
    const titles = Array.from(
      readFileSync(join(root, file), 'utf8').matchAll(/^ *(?:it|describe)\b.*?|^ +['"`]/gm),
      ({ index, input }) => input.slice(index, input.indexOf('\n', index)),
    )
    expect(
      titles.filter((each) => each.includes(title)),
      title,
    ).not.toEqual([])
  })

  it.each(options)('has $value as default of $name', ({ name, value }) => {
    const isDefault = new RegExp(`\\b${name}\\b[^,;\\n]*(?:\\?\\?|=|:) ${value}\\b`)
    expect(sources.some((source) => isDefault.test(source))).toBe(true)
  })
})
