import type { UIMessageChunk } from 'ai'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkText } from './ai-sdk/chunk-text.ts'
import { createChunkFold, createTake } from './text-parts.ts'

const fold = createChunkFold(chunkText)
const foldAll = (chunks: readonly UIMessageChunk[]): readonly UIMessageChunk[] =>
  chunks.reduce(fold.apply, fold.initial)

type TextDelta = Extract<UIMessageChunk, { readonly type: 'text-delta' }>

const delta = (id: string, text: string, n?: number): TextDelta => ({
  type: 'text-delta',
  id,
  delta: text,
  ...(n !== undefined && { providerMetadata: { model: { n } } }),
})

describe('the fold of chunks', () => {
  it('joins the deltas of a text, and nothing else', () => {
    const chunks: UIMessageChunk[] = [
      { type: 'text-start', id: 'a' },
      delta('a', 'one '),
      delta('a', 'two '),
      delta('b', 'three '),
      { type: 'reasoning-delta', id: 'b', delta: 'four ' },
      { type: 'text-end', id: 'a' },
    ]
    expect(foldAll(chunks)).toEqual([chunks[0], delta('a', 'one two '), ...chunks.slice(3)])
  })

  it('keeps the last metadata of a text, as the SDK does', () => {
    const value = foldAll([delta('a', '1', 1), delta('a', '2', 2), delta('a', '3')])
    expect(value).toEqual([delta('a', '123', 2)])
  })

  it('changes none of its arguments', () => {
    const value = Object.freeze(foldAll([delta('a', '1')]).map((chunk) => Object.freeze(chunk)))
    expect(fold.apply(value, delta('a', '2'))).toEqual([delta('a', '12')])
    expect(value).toEqual([delta('a', '1')])
  })
})

describe('a reader of a run', () => {
  const chunk = fc.oneof(
    fc.record({
      type: fc.constantFrom('text-delta' as const, 'reasoning-delta' as const),
      id: fc.constantFrom('a', 'b'),
      delta: fc.string({ maxLength: 3 }),
    }),
    fc.record({
      type: fc.constant('tool-input-delta' as const),
      toolCallId: fc.constantFrom('a', 'b'),
      inputTextDelta: fc.string({ maxLength: 3 }),
    }),
    fc.record({ type: fc.constantFrom('start-step' as const, 'finish-step' as const) }),
  )
  /** The lost chunks, which therefore arrive in a fold. */
  const lost = fc.array(fc.boolean(), { maxLength: 40 })

  it('gets each chunk once, wherever a fold replaces lost deltas', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 40 }), lost, (chunks, isLost) => {
        const take = createTake(chunkText)
        const taken = [...take({ type: 'fold', value: [] })]
        let isBehind = false
        for (const [i, data] of chunks.entries()) {
          if (isLost[i]) isBehind = true
          else if (isBehind) {
            taken.push(...take({ type: 'fold', value: foldAll(chunks.slice(0, i + 1)) }))
            isBehind = false
          } else taken.push(...take({ type: 'delta', data }))
        }
        if (isBehind) taken.push(...take({ type: 'fold', value: foldAll(chunks) }))
        expect(foldAll(taken)).toEqual(foldAll(chunks))
      }),
    )
  })

  it('gets nothing for a fold whose chunks it already has', () => {
    const take = createTake(chunkText)
    const value = foldAll([delta('a', 'one '), delta('a', 'two')])
    expect(take({ type: 'fold', value })).toEqual(value)
    expect(take({ type: 'fold', value })).toEqual([])
  })
})
