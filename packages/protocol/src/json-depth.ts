/**
 * How deep JSON from a client may be nested. Deeper JSON overflows the stack of code that walks
 * through it, such as a schema or a transformer.
 */
export const maxJsonDepth = 256

const quote = 0x22
const backslash = 0x5c
// Brackets and braces differ in this bit alone.
const braceBit = 0x20
const openingBrace = 0x7b
const closingBrace = 0x7d

/**
 * Whether a text that may be JSON is nested deeper than {@link maxJsonDepth}. Looks at each
 * character once.
 */
export function isNestedTooDeep(text: string): boolean {
  // JSON has a closing bracket for each opening one: a shorter text can't be that deep.
  if (text.length <= 2 * maxJsonDepth) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === quote) i = endOfString(text, i)
    else if ((code | braceBit) === openingBrace) {
      depth += 1
      if (depth > maxJsonDepth) return true
    } else if ((code | braceBit) === closingBrace) depth -= 1
  }
  return false
}

/** The end of the string that starts here, or of the text if the string doesn't end. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === backslash) i += 1
    else if (code === quote) return i
  }
  return text.length
}
