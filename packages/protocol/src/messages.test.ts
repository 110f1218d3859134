import { describe, expect, it } from 'vitest'
import { parseConnectedData, parseGapData } from './messages.ts'

describe('parseConnectedData', () => {
  it.each([
    ['{}', {}],
    ['{"reconnectAfterInactivityMs":5000}', { reconnectAfterInactivityMs: 5_000 }],
    ['{"reconnectAfterInactivityMs":5000,"later":true}', { reconnectAfterInactivityMs: 5_000 }],
    ['{"reconnectAfterInactivityMs":0}', {}],
    ['{"reconnectAfterInactivityMs":-1}', {}],
    ['{"reconnectAfterInactivityMs":"5000"}', {}],
  ])('P15: reads %s', (data, expected) => {
    expect(parseConnectedData(data)).toEqual(expected)
  })

  it.each(['', 'hello', '1', 'null', '"x"'])('P15: refuses %j', (data) => {
    expect(() => parseConnectedData(data)).toThrow(
      expect.objectContaining({ code: 'INVALID_MESSAGE' }),
    )
  })
})

describe('parseGapData', () => {
  it.each([
    ['{"lastEventId":"1-0","reason":"trimmed"}', { lastEventId: '1-0', reason: 'trimmed' }],
    ['{"lastEventId":"1-0","reason":"reset"}', { lastEventId: '1-0', reason: 'reset' }],
    ['{"lastEventId":"1-0","reason":"skipped"}', { lastEventId: '1-0', reason: 'skipped' }],
    [
      '{"lastEventId":"1-0","reason":"of a later version"}',
      { lastEventId: '1-0', reason: 'trimmed' },
    ],
    ['{"lastEventId":""}', { lastEventId: '', reason: 'trimmed' }],
  ])('P22: reads %s', (data, expected) => {
    expect(parseGapData(data)).toEqual(expected)
  })

  it.each(['', '{}', 'null', '{"lastEventId":1}'])('P22: refuses %j', (data) => {
    expect(() => parseGapData(data)).toThrow(/^The data of "gap" is invalid: /)
  })
})
