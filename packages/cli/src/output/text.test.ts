import { describe, expect, it } from 'vitest'
import { cut, jsonLine, safeJson, safeText, withoutPasswords } from './text.ts'

describe('safeText', () => {
  it.each([
    ['\u001b[2J\u0007', '\\u001b[2J\\u0007'],
    ['a\r\nb\tc', 'a\\u000d\\u000ab\\u0009c'],
    ['\u009b31m', '\\u009b31m'],
    ['user\u202egnp.exe', 'user\\u202egnp.exe'],
    ['zero\u200bwidth', 'zero\\u200bwidth'],
    ['\ud83d', '\\ud83d'],
    ['a\u{e0041}', 'a\\udb40\\udc41'],
    ['grüße 😀 日本', 'grüße 😀 日本'],
  ])('shows %j as %j', (text, shown) => {
    expect(safeText(text)).toBe(shown)
  })
})

describe('JSON for scripts', () => {
  const value = { '\u001b]0;x\u0007': ['\u009b', '\u2028', '\ud83d', '\u007f', 'é'] }

  it('is one line without characters that a terminal obeys, and has the same value', () => {
    const lines = [jsonLine(value), safeJson(JSON.stringify(value, null, '\t'))]
    for (const line of lines) {
      expect(line).not.toMatch(/[^\u0020-\u007eé]/)
      expect(JSON.parse(line)).toEqual(value)
    }
  })
})

it('withoutPasswords hides the user and the password in URLs', () => {
  const text = 'a redis://ann:p@ss/word@host:1 and https://host/path, rediss://:x@host'
  expect(withoutPasswords(text)).toBe(
    'a redis://***@host:1 and https://host/path, rediss://***@host',
  )
})

it('cut says how much is missing', () => {
  expect(cut('abcdef', 6)).toBe('abcdef')
  expect(cut('abcdef', 2)).toBe('ab… (4 more characters)')
})
