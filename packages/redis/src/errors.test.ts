import { describe, expect, it } from 'vitest'
import { isRefusal, replyCode } from './errors.ts'

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' })
}

describe('replyCode', () => {
  it.each([
    ["READONLY You can't write against a read only replica.", 'READONLY'],
    [
      "READONLY You can't write against a read only replica. script: 1f, on @user_script:7.",
      'READONLY',
    ],
    [
      "ERR Error running script (call to f_1f): @user_script:7: @user_script: 7: -READONLY You can't write",
      'READONLY',
    ],
    ['MOVED 3999 127.0.0.1:6381', 'MOVED'],
    ['ERR unknown command', 'ERR'],
    ['something else', 'ERR'],
  ])('of %j is %s', (message, code) => {
    expect(replyCode(reply(message))).toBe(code)
  })

  it('is undefined for an error that Redis didn’t send', () => {
    expect(replyCode(new Error('READONLY, but not from Redis'))).toBeUndefined()
    expect(replyCode('READONLY')).toBeUndefined()
  })
})

describe('isRefusal', () => {
  it.each(['OOM', 'WRONGTYPE', 'NOAUTH', 'NOPERM', 'MISCONF', 'ERR'])('is true for %s', (code) => {
    expect(isRefusal(reply(`${code} and more`))).toBe(true)
  })

  it.each(['READONLY', 'LOADING', 'CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'NOREPLICAS'])(
    'is false for %s',
    (code) => {
      expect(isRefusal(reply(`${code} and more`))).toBe(false)
    },
  )

  it('is false for a failed connection', () => {
    expect(isRefusal(new Error('Connection is closed.'))).toBe(false)
  })
})
