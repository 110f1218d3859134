import { expect, it } from 'vitest'
import { sha256, webSha256 } from './sha256.ts'

it.each(['', 'abc', 'grüße 🙂', '\ud800 alone', 'x'.repeat(100_000)])(
  'is the same by Node and by Web Crypto',
  async (text) => {
    expect(sha256(text)).toBe(await webSha256(text))
    expect(sha256(text)).toMatch(/^[\da-f]{64}$/)
  },
)
