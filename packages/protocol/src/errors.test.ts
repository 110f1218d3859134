import { describe, expect, it } from 'vitest'
import { isRealtimeError, RealtimeError, type RealtimeErrorCodes } from './errors.ts'

/** The compiler checks this record against the type of the codes. */
const codes: RealtimeErrorCodes = {
  INVALID_OPTION: false,
  INVALID_EVENT: false,
  EVENT_TOO_LARGE: false,
  INVALID_PARAMS: false,
  INVALID_LAST_EVENT_ID: false,
  UNDECODABLE_EVENT: false,
  GAP: false,
  RUN_FAILED: false,
  RUN_ABANDONED: false,
  RUN_NOT_STARTED: false,
  TOO_FAR_BEHIND: true,
  BACKEND_UNAVAILABLE: true,
  TOO_MANY_ENTRIES: false,
  UPDATE_CONFLICT: true,
  PUBLISH_UNCONFIRMED: false,
  CLOSED: false,
  TOO_MANY_CONNECTIONS: true,
  TOO_MANY_CHANNELS: true,
  DRAINING: true,
  INVALID_MESSAGE: false,
  CONNECT_TIMEOUT: true,
  RESPONSE_BUFFERED: true,
  CONNECTION_SILENT: true,
  CONNECTION_LOST: true,
  SERVER_UNAVAILABLE: true,
  REQUEST_REFUSED: false,
}

describe('RealtimeError', () => {
  it.each(Object.entries(codes))('%s says whether a retry can help', (code, retryable) => {
    const error = new RealtimeError(
      code as keyof RealtimeErrorCodes,
      'what is wrong, then what to do',
    )
    expect(error).toMatchObject({
      code,
      retryable,
      name: 'RealtimeError',
      issues: [],
      status: undefined,
    })
  })

  it('keeps cause, issues and status', () => {
    const cause = new Error('why')
    const issues = [{ message: 'too long', path: ['text', 0] }]
    const error = new RealtimeError('INVALID_EVENT', 'no', { cause, issues, status: 400 })
    expect(error).toMatchObject({ cause, issues, status: 400 })
  })

  it('has no cause property without a cause', () => {
    expect('cause' in new RealtimeError('CLOSED', 'over')).toBe(false)
  })
})

describe('isRealtimeError', () => {
  it('recognises an error of another copy of this package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'RealtimeError', code: 'CLOSED' })
    expect(isRealtimeError(foreign)).toBe(true)
    expect(isRealtimeError(new RealtimeError('CLOSED', 'x'))).toBe(true)
  })

  it.each([
    undefined,
    null,
    'RealtimeError',
    new Error('x'),
    { name: 'RealtimeError', code: 'CLOSED' },
  ])('does not recognise %j', (value) => expect(isRealtimeError(value)).toBe(false))
})
