import { describe, expect, it } from 'vitest'
import { type Endpoint, type Wanted, writeSingleRequest } from './request.ts'

function write(endpoint: Partial<Endpoint>, wanted: Partial<Wanted> = {}) {
  const url = 'https://example.com/trpc'
  return writeSingleRequest(
    { url, headers: {}, connectionParams: undefined, ...endpoint },
    { path: 'chat.onMessage', inputJson: undefined, lastEventId: undefined, ...wanted },
  )
}

describe('writeSingleRequest', () => {
  it.each([
    ['https://example.com/trpc', 'https://example.com/trpc/chat.onMessage'],
    ['https://example.com/trpc/', 'https://example.com/trpc/chat.onMessage'],
    ['https://example.com', 'https://example.com/chat.onMessage'],
    ['https://example.com/trpc?a=1&b=?', 'https://example.com/trpc/chat.onMessage?a=1&b=?'],
    ['https://example.com/trpc#top', 'https://example.com/trpc/chat.onMessage'],
  ])('appends the path to %s', (url, expected) => {
    expect(write({ url }).url).toBe(expected)
  })

  it('P31: sends the input and the last event id in the query', () => {
    const { url } = write(
      { url: '/trpc?v=2' },
      { inputJson: '{"room":"a&b"}', lastEventId: '5-0=,ö' },
    )
    expect(url).toBe(
      '/trpc/chat.onMessage?v=2&input=%7B%22room%22%3A%22a%26b%22%7D&lastEventId=5-0%3D%2C%C3%B6',
    )
  })

  it('sends connection params, and null as well', () => {
    expect(write({ connectionParams: { token: 'x' } }).url).toContain(
      '?connectionParams=%7B%22token%22%3A%22x%22%7D',
    )
    expect(write({ connectionParams: null }).url).toContain('?connectionParams=null')
  })

  it('P30: accepts event streams', () => {
    expect(write({ headers: { Accept: '*/*' } }).headers.get('accept')).toBe('text/event-stream')
  })

  it('accepts headers in every form that httpBatchLink accepts', () => {
    const record = write({ headers: { a: '1', b: ['2', '3'], c: undefined } }).headers
    expect([record.get('a'), record.get('b'), record.has('c')]).toEqual(['1', '2, 3', false])
    expect(write({ headers: new Headers({ a: '1' }) }).headers.get('a')).toBe('1')
    expect(write({ headers: [['a', '1']] }).headers.get('a')).toBe('1')
  })
})
