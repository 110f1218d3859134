import { describe, expect, it } from 'vitest'
import { splitInput } from './input.ts'

describe('splitInput', () => {
  it('removes lastEventId from an object', () => {
    expect(splitInput({ room: 'lobby', lastEventId: '1-0' })).toEqual({
      input: { room: 'lobby' },
      lastEventId: '1-0',
    })
  })

  it('returns no input if retryLink has created an object from none', () => {
    expect(splitInput({ lastEventId: '1-0' })).toEqual({ input: undefined, lastEventId: '1-0' })
  })

  class Room {
    lastEventId = '1-0'
  }
  it.each([
    undefined,
    null,
    'lastEventId',
    7,
    ['1-0'],
    new Date(0),
    new Map([['lastEventId', '1-0']]),
    new Room(),
    {},
    { lastEventId: null },
    { lastEventId: '' },
    { lastEventId: 5 },
  ])('leaves %j as it is', (input) => {
    const split = splitInput(input)
    expect(split.input).toBe(input)
    expect(split.lastEventId).toBeUndefined()
  })
})
