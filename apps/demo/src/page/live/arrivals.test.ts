import { expect, it } from 'vitest'
import { createLedger } from './arrivals.ts'

it('tells an event that comes again from one that is new', () => {
  const ledger = createLedger()
  expect([ledger.note('1-0'), ledger.note('2-0'), ledger.note('1-0')]).toEqual([true, true, false])
})

it('counts what the log has and what never arrived', () => {
  const ledger = createLedger()
  for (const id of ['1-0', '2-0', '5-0']) ledger.note(id)
  expect(ledger.compare(['2-0', '3-0', '4-0', '5-0'])).toBe(2)
})

it('goes on from where it has compared', () => {
  const ledger = createLedger()
  expect(ledger.checkedTo).toBeUndefined()
  ledger.note('1-0')
  ledger.note('2-0')
  expect(ledger.checkedTo).toBe('1-0')
  ledger.compare(['2-0'])
  expect(ledger.checkedTo).toBe('2-0')
  ledger.compare([])
  expect(ledger.checkedTo).toBe('2-0')
})

it('waits for an event that is on its way', async () => {
  const ledger = createLedger()
  const arrival = ledger.arrival('1-0', 60_000)
  ledger.note('1-0')
  await arrival
})
