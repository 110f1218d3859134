import { describe, expect, it } from 'vitest'
import type { LogPage } from '../backend/backend.ts'
import { createCodec } from '../codec/codec.ts'
import type { DecodeEvent } from './contiguity.ts'
import { Page } from './page.ts'

const codec = createCodec(undefined)
const decode: DecodeEvent = ({ id, data }, prev) =>
  data === 'bad'
    ? undefined
    : { kind: 'event', id, prev, data, codec, decoded: undefined, frame: undefined }

/**
 * Creates a page with the events 5 to 9 of a log that ends at 12. `data` is the data of event 7.
 */
function page(after: string, first: string, data = '7'): Page {
  const ids = ['5-0', '6-0', '7-0', '8-0', '9-0']
  const stored: LogPage = {
    events: ids.map((id, i) => ({ id, prev: ids[i - 1] ?? first, data: id === '7-0' ? data : id })),
    lastEventId: '12-0',
  }
  return new Page({ after, limit: 5 }, { id: after }, stored, decode)
}

describe('a page', () => {
  it('can be read from every id that it spans', () => {
    const of = page('4-0', '4-0')
    const indices = ['4-0', '4-5', '5-0', '7-0', '7-1', '8-9'].map((id) => of.indexAfter(id))
    expect(indices).toEqual([0, 0, 1, 3, 3, 4])
  })

  it('can’t be read from ids outside of it', () => {
    const of = page('4-0', '4-0')
    expect(['3-0', '9-0', '9-1', '12-0'].map((id) => of.indexAfter(id))).toEqual([-1, -1, -1, -1])
  })

  it('can be read from all earlier ids if no older event is retained', () => {
    expect(['1-0', '2-0', '3-0'].map((id) => page('2-0', '4-0').indexAfter(id))).toEqual([0, 0, 0])
  })

  it('can be read only from ids of its events if one of them can’t be decoded', () => {
    const of = page('4-0', '4-0', 'bad')
    expect(['4-0', '5-0', '6-0', '8-0'].map((id) => of.indexAfter(id))).toEqual([0, 1, 2, 3])
    expect(['4-1', '7-0', '7-1'].map((id) => of.indexAfter(id))).toEqual([-1, -1, -1])
  })

  it('can’t be read once its entries were dropped', () => {
    const of = page('4-0', '4-0')
    of.drop()
    expect(of.indexAfter('5-0')).toBe(-1)
    expect(of.at(0)).toBeUndefined()
    expect(of.count).toBe(5)
  })
})
