import { expect, it } from 'vitest'
import { isPlainObject } from './plain-object.ts'

it.each([
  [{}, true],
  [{ constructor: 1 }, true],
  [Object.create(null), true],
  [JSON.parse('{"__proto__":{}}'), true],
  [[], false],
  [null, false],
  [undefined, false],
  ['text', false],
  [() => ({}), false],
  [new Date(), false],
  [new Map(), false],
  [Object.create({}), false],
])('isPlainObject(%o) is %s', (value, expected) => {
  expect(isPlainObject(value)).toBe(expected)
})
