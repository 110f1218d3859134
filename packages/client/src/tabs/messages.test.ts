import { expect, it } from 'vitest'
import { readFollowerMessage } from './messages.ts'

it.each([Number.NaN, -1, 0.5, Infinity, '1'])(
  'a follower that has read %j characters is ignored',
  (length) => {
    expect(readFollowerMessage({ type: 'read', length })).toBeUndefined()
  },
)

it.each([0, 65_536])('a follower has read %i characters', (length) => {
  expect(readFollowerMessage({ type: 'read', length })).toEqual({ type: 'read', length })
})
