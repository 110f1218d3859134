import { describe, expect, it } from 'vitest'
import { Options } from '../options.ts'
import { logKeyFrom, parseLogName } from './log-name.ts'

const none = new Options({})

describe('logKeyFrom', () => {
  it.each([
    [['news'], '["news"]'],
    [
      ['chat', '{"room":"lobby","a":[{"d":1,"c":2}]}'],
      '["chat",{"a":[{"c":2,"d":1}],"room":"lobby"}]',
    ],
    [['chat', '{"10":1,"9":2}'], '["chat",{"10":1,"9":2}]'],
    [['chat', '"a"'], '["chat","a"]'],
  ])('returns for %j the key that createChannels uses', (args, key) => {
    expect(logKeyFrom(args, none)).toBe(key)
  })

  it('returns the log of members, or the exact key, if that is asked for', () => {
    expect(logKeyFrom(['chat'], new Options({ presence: true }))).toBe('~presence["chat"]')
    expect(logKeyFrom([], new Options({ key: '~instances' }))).toBe('~instances')
  })

  it.each([
    [[], none],
    [['chat', '{room}'], none],
    [['chat', '['.repeat(10_000)], none],
    [['chat', '['.repeat(300) + ']'.repeat(300)], none],
    [['chat'], new Options({ key: 'x' })],
  ])('refuses %j', (args, options) => {
    expect(() => logKeyFrom(args, options)).toThrow(expect.objectContaining({ exitCode: 2 }))
  })
})

describe('parseLogName', () => {
  it.each([
    ['["chat",{"room":"a"}]', { name: 'chat', params: '{"room":"a"}', kind: 'channel' }],
    ['["news"]', { name: 'news', params: '', kind: 'channel' }],
    ['~presence["chat",1]', { name: 'chat', params: '1', kind: 'presence' }],
    ['["~answer","room"]', { name: 'answer', params: '"room"', kind: 'index' }],
    ['~instances', { name: '~instances', params: '', kind: 'internal' }],
    ['', { name: '', params: '', kind: 'internal' }],
    ['[1]', { name: '[1]', params: '', kind: 'internal' }],
  ])('parses %j', (key, name) => {
    expect(parseLogName(key)).toEqual(name)
  })
})
