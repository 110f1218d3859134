import { parse } from 'sugar-high/core'
import { tokenize } from 'sugar-high/lang/typescript'
import type { CodeToken } from '../page/type-flow/code.ts'

/** Splits TypeScript into lines of coloured tokens. */
export function highlight(source: string): CodeToken[][] {
  return parse(source, { tokenize }).lines.map(({ tokens }) =>
    tokens.map(({ type, value }) => ({ kind: type, text: value })),
  )
}
