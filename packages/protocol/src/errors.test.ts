import { describe, expect, it } from 'vitest'
import { errorCodes, isRealtimeError, RealtimeError, type RealtimeErrorCode } from './errors.ts'

describe('RealtimeError', () => {
  it.each(Object.entries(errorCodes))('%s says whether to try again', (code, { retryable }) => {
    const error = new RealtimeError(code as RealtimeErrorCode, 'what is wrong, then what to do')
    expect(error).toMatchObject({ code, retryable, name: 'RealtimeError', issues: [], status: undefined })
  })

  it('keeps cause, issues and status', () => {
    const cause = new Error('why')
    const issues = [{ message: 'too long', path: ['text', 0] }]
    const error = new RealtimeError('INVALID_EVENT', 'no', { cause, issues, status: 400 })
    expect(error).toMatchObject({ cause, issues, status: 400 })
  })

  it('has no cause where there is none', () => {
    expect('cause' in new RealtimeError('CLOSED', 'over')).toBe(false)
  })
})

describe('isRealtimeError', () => {
  it('knows one of another copy of this package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'RealtimeError', code: 'CLOSED' })
    expect(isRealtimeError(foreign)).toBe(true)
    expect(isRealtimeError(new RealtimeError('CLOSED', 'x'))).toBe(true)
  })

  it.each([undefined, null, 'RealtimeError', new Error('x'), { name: 'RealtimeError', code: 'CLOSED' }])(
    'does not take %j for one',
    (value) => expect(isRealtimeError(value)).toBe(false),
  )
})
