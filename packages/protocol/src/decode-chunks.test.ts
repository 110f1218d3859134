import { expect, it } from 'vitest'
import { seededRandom } from '../../../tests/support/seeded-random.ts'
import { createDecoder, type DecodedMessage } from './index.ts'

/** A plain reference decoder for a whole text, line by line as the specification describes. */
function readWhole(text: string): DecodedMessage[] {
  const messages: DecodedMessage[] = []
  let data: string[] = []
  let event = ''
  let id: string | undefined
  // The text after the last line end is not a complete line.
  for (const line of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .slice(0, -1)) {
    const [, field = line, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (line === '') {
      if (data.length > 0) messages.push({ event: event || 'message', data: data.join('\n'), id })
      data = []
      event = ''
      id = undefined
    } else if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
  }
  return messages
}

const words = [
  'data',
  'id',
  'event',
  'retry',
  ':',
  ': ',
  ' ',
  '\r',
  '\n',
  '\r\n',
  '\r\r',
  '\n\n',
  'x',
  '0',
  '\0',
  'é',
  '🙂',
  '\ufeff',
  'ï»¿',
]

/** Splits bytes at random, within characters too. Some pieces are empty. */
function cut(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let from = 0; from < bytes.length; ) {
    const to = from + Math.floor(random() ** 2 * 6)
    pieces.push(bytes.subarray(from, to))
    from = to
  }
  return pieces
}

it('P1: delivers a message once its last line ends in CR, and treats a following LF as the same line end', () => {
  const messages: DecodedMessage[] = []
  const decoder = createDecoder({ onMessage: (message) => messages.push(message) })
  const push = (text: string): void => decoder.push(new TextEncoder().encode(text))
  push('data: 1\r\r')
  expect(messages.map(({ data }) => data)).toEqual(['1'])
  push('data: 2\r')
  push('\ndata: 3\r\n\r')
  expect(messages.map(({ data }) => data)).toEqual(['1', '2\n3'])
  push('')
  push('\ndata: 4\n\n')
  expect(messages.map(({ data }) => data)).toEqual(['1', '2\n3', '4'])
})

it('P1: decodes any text the same however it is split, and delivers each message once it is complete', () => {
  const random = seededRandom(30)
  for (let run = 0; run < 3_000; run++) {
    const text = Array.from({ length: Math.floor(random() * 40) }, () => {
      return words[Math.floor(random() * words.length)] ?? ''
    }).join('')
    const messages: DecodedMessage[] = []
    const decoder = createDecoder({ onMessage: (message) => messages.push(message) })
    let read = 0
    const bytes = new TextEncoder().encode(text)
    for (const piece of cut(bytes, random)) {
      decoder.push(piece)
      read += piece.length
      const soFar = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, read), {
        stream: true,
      })
      expect(messages, JSON.stringify(text)).toEqual(readWhole(soFar))
    }
  }
})
