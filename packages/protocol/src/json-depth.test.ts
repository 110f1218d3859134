import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isNestedTooDeep, maxJsonDepth } from './json-depth.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const nestedObjects = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

describe('isNestedTooDeep', () => {
  it.each([nested, nestedObjects])('accepts the maximum depth, and refuses one more', (make) => {
    expect(isNestedTooDeep(make(maxJsonDepth))).toBe(false)
    expect(isNestedTooDeep(make(maxJsonDepth + 1))).toBe(true)
    expect(isNestedTooDeep(make(1_000_000))).toBe(true)
  })

  it('ignores brackets in strings, however they are escaped', () => {
    const brackets = '[{'.repeat(1_000)
    for (const text of [brackets, `\\"${brackets}`, `"${brackets}\\`, `\u2028${brackets}`])
      expect(isNestedTooDeep(JSON.stringify([text, { [text]: text }]))).toBe(false)
    expect(isNestedTooDeep(`["\\\\",${nested(maxJsonDepth + 1)}]`)).toBe(true)
  })

  it('agrees with the depth of parsed JSON', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Math.max(0, ...Object.values(value).map((each) => depthOf(each)))
        : 0
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(maxJsonDepth), (value, around) => {
        const text = '['.repeat(around) + JSON.stringify(value) + ']'.repeat(around)
        return isNestedTooDeep(text) === depthOf(value) + around > maxJsonDepth
      }),
      { numRuns: 50 },
    )
  })
})
