import { expect, it } from 'vitest'
import { z } from 'zod'
import { createTextRuns } from '../../../../tests/support/text-runs.ts'
import { run } from './definition.ts'

it.each([
  { rollupMs: -1 },
  { rollupMs: 10_001 },
  { leaseMs: 999 },
  { leaseMs: Number.NaN },
  { keepForMs: 0 },
  { keepForMs: Number.POSITIVE_INFINITY },
  { fold: {} as never },
  { retainEvents: 0 },
  { onAbandoned: 'other' as never },
  { index: 'chatId' as never },
  { takeOverMs: 999 },
])('run() refuses %o', (options) => {
  expect(() => run({ event: z.string(), ...options })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
})

it('an invalid source makes the run fail', async () => {
  const { channels, inTime } = createTextRuns()
  const result = await inTime(channels.answer('a').produce('text' as never))
  expect(result).toMatchObject({ status: 'failed', error: { code: 'INVALID_OPTION' } })
})

it('params are validated like those of a channel', () => {
  const { channels } = createTextRuns()
  expect(() => channels.answer('x'.repeat(2_000))).toThrow('characters')
})
