import fc, { type Arbitrary } from 'fast-check'

/** Text with characters that are special in lines, ids, paths, URLs or JSON. */
export const oddText: Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\n',
        '\r',
        '\r\n',
        '\0',
        '\u2028',
        '\ufeff',
        ':',
        ',',
        '=',
        '-',
        '~',
        '$',
        '/',
        '.',
        '..',
        '%',
        '"',
      ),
      fc.constantFrom(
        '%7E',
        '%2F',
        '%2C',
        '%00',
        '%ff',
        '%',
        '{',
        '}',
        '[',
        ']',
        '\\',
        '&',
        '?',
        '#',
        ' ',
        '\t',
        ';',
      ),
      fc.constantFrom(
        '__proto__',
        'constructor',
        'then',
        'data',
        'id',
        'event',
        'retry',
        'null',
        '1e999',
        '\ud800',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.nat().map(String),
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''))

/** JSON, and text that is nearly JSON. */
export const oddJson: Arbitrary<string> = fc.oneof(
  fc.json(),
  fc.json().chain((text) => cutOrChanged(text)),
  fc.nat(20_000).map((depth) => '['.repeat(depth)),
  fc.nat(5_000).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  oddText,
)

/** A text with a part of it removed, doubled or replaced. */
export function cutOrChanged(text: string): Arbitrary<string> {
  return fc
    .tuple(fc.nat(text.length), fc.nat(8), oddText, fc.nat(2))
    .map(([at, length, odd, how]) => {
      const part = text.slice(at, at + length)
      const inPlace = [``, part + part, odd][how] ?? ''
      return text.slice(0, at) + inPlace + text.slice(at + length)
    })
}

/** Cuts bytes into pieces at these places. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
}

/** A text after a round trip through UTF-8, which has no lone surrogates. */
export function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}
