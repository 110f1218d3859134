import { describe, expect, it } from 'vitest'
import { readVectors } from '../../../tests/support/vectors.ts'
import { createDecoder, type DecodedMessage } from './index.ts'

interface DecodeVector {
  readonly name: string
  readonly text: string
  readonly messages: ReadonlyArray<Omit<DecodedMessage, 'id'> & { readonly id?: string }>
  readonly retries?: readonly number[]
  readonly comments?: number
}

/** Decodes chunks, and returns everything that the decoder reported, in order. */
function read(chunks: Iterable<Uint8Array>) {
  const messages: DecodedMessage[] = []
  const retries: number[] = []
  let comments = 0
  const decoder = createDecoder({
    onMessage: (message) => messages.push(message),
    onRetry: (retryMs) => retries.push(retryMs),
    onComment: () => {
      comments += 1
    },
  })
  for (const chunk of chunks) decoder.push(chunk)
  return { messages, retries, comments }
}

describe('createDecoder', () => {
  it.each(readVectors<DecodeVector[]>('decode'))(
    'P1: reads $name, however it is split',
    (vector) => {
      const bytes = new TextEncoder().encode(vector.text)
      const expected = {
        messages: vector.messages.map((message) => ({ id: undefined, ...message })),
        retries: vector.retries ?? [],
        comments: vector.comments ?? 0,
      }
      expect(read([bytes])).toEqual(expected)
      expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected)
      for (let cut = 1; cut < bytes.length; cut++) {
        expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected)
      }
    },
  )

  const text = new TextEncoder()

  it('P5: refuses a message that is too long, even within an unfinished line', () => {
    for (const part of ['x', 'data: x\n']) {
      const decoder = createDecoder({ onMessage() {}, maxMessageLength: 1_000 })
      decoder.push(text.encode('data: '))
      const endless = (): void => {
        for (let i = 0; i < 2_000; i++) decoder.push(text.encode(part))
      }
      expect(endless).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }))
    }
  })

  it('P5: limits each message separately', () => {
    const messages: unknown[] = []
    const decoder = createDecoder({
      onMessage: (message) => messages.push(message),
      maxMessageLength: 1_000,
    })
    for (let i = 0; i < 100; i++) decoder.push(text.encode(`data: ${'x'.repeat(900)}\n\n`))
    expect(messages).toHaveLength(100)
  })

  it('rethrows the error of its handler', () => {
    const decoder = createDecoder({
      onMessage() {
        throw new Error('bug in the app')
      },
    })
    expect(() => decoder.push(text.encode('data: 1\n\n'))).toThrow('bug in the app')
  })
})
