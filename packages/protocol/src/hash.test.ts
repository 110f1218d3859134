import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shortHash } from './hash.ts'

describe('shortHash', () => {
  it('is the same on every machine', () => {
    expect(['', 'a', 'chat:lobby', 'grüße 👋'].map(shortHash)).toMatchInlineSnapshot(`
      [
        "wvjl67o803",
        "262p94epp1d",
        "22eecery3ha",
        "1w23kqhzimg",
      ]
    `)
  })

  it('returns at most 11 letters and digits for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        /^[0-9a-z]{1,11}$/.test(shortHash(text)),
      ),
    )
  })

  it('has no collision among a hundred thousand texts', () => {
    const names = new Set(Array.from({ length: 100_000 }, (_, i) => shortHash(`chat:${i}`)))
    expect(names.size).toBe(100_000)
  })
})
