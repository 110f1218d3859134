import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const root = new URL('../../../', import.meta.url)
const specification = readFileSync(new URL('packages/protocol/PROTOCOL.md', root), 'utf8')

/**
 * The folders for the tests of each section: those of the side that it binds, or across packages.
 */
const places: Readonly<Record<string, RegExp>> = {
  '1. Text': /^packages\/protocol\//,
  '2. Ids': /^packages\/(protocol|client)\//,
  '3. The request': /^(packages\/server|tests)\//,
  '4. The stream': /^(packages\/server|tests)\//,
  '5. The client': /^(packages\/client|tests)\//,
  '6. Multiplexed mode': /^(packages\/server|tests)\//,
  '7. The client in multiplexed mode': /^(packages\/client|tests)\//,
  '8. What a client may ask for': /^(packages\/server|tests)\//,
}

const clauses = specification.split(/^## /m).flatMap((section) => {
  const [title = ''] = section.split('\n', 1)
  return Array.from(section.matchAll(/^- \*\*(P\d+)\*\* /gm), ([, clause = '']) => ({
    title,
    clause,
  }))
})

/** For each clause, the files with tests that name it in their title. */
function filesByClause(): Map<string, string[]> {
  const files = globSync('{packages,apps,tests}/**/*.test.{ts,tsx}', {
    cwd: root,
    exclude: (name) => name === 'node_modules' || name === 'dist',
  })
  const named = new Map<string, string[]>()
  for (const file of files) {
    const source = readFileSync(new URL(file, root), 'utf8')
    // A title may name several clauses: 'P1, P2: …'.
    for (const [, clauses = ''] of source.matchAll(/['"`](P\d+(?:, P\d+)*): /g)) {
      for (const clause of clauses.split(', '))
        named.set(clause, [...(named.get(clause) ?? []), file])
    }
  }
  return named
}

describe('PROTOCOL.md', () => {
  const named = filesByClause()

  it('has consecutive clause numbers, each once', () => {
    const numbers = clauses.map(({ clause }) => Number(clause.slice(1)))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(clauses.map((_, index) => index + 1))
  })

  it.each(clauses)('$clause has a test, in the right place for $title', ({ title, clause }) => {
    const files = named.get(clause)?.filter((file) => places[title]?.test(file)) ?? []
    expect(
      files.length,
      `tests in ${places[title]} whose title starts with "${clause}: "`,
    ).toBeGreaterThan(0)
  })

  it('contains every clause that a test names', () => {
    expect(
      [...named.keys()].filter((name) => !clauses.some(({ clause }) => clause === name)),
    ).toEqual([])
  })
})
