import { expect, it } from 'vitest'
import { guardConsole } from './console.ts'

it('prints each message once, in one line, and without what a terminal obeys', () => {
  const written: string[] = []
  const guarded = { ...console }
  guardConsole(guarded, { write: (text) => written.push(text) })
  for (let i = 0; i < 3; i++) guarded.warn('failed: %s', '\u001b[2J', new Error('\u001b[31mred'))
  guarded.log('done')
  expect(written).toHaveLength(2)
  expect(written[0]).toMatch(/^failed: \\u001b\[2J Error: .*red\n$/)
  expect(written.join('')).not.toContain('\u001b')
  for (let i = 0; i < 1_000; i++) guarded.error(`${i}`)
  expect(written).toHaveLength(100)
})
