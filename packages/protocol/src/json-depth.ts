/**
 * The maximum nesting depth of JSON from a client. Deeper JSON can overflow the stack of recursive
 * code, such as a schema or a transformer.
 */
export const maxJsonDepth = 256

const quote = 0x22
const backslash = 0x5c
// Brackets and braces differ only in this bit.
const braceBit = 0x20
const openingBrace = 0x7b
const closingBrace = 0x7d

/**
 * Whether a text is nested deeper than {@link maxJsonDepth}, if it is JSON. Reads each character
 * once.
 */
export function isNestedTooDeep(text: string): boolean {
  // JSON has a closing bracket for each opening one, so a text this short can't be too deep.
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

/** Returns the index of the string's closing quote, or the length of the text if there is none. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === backslash) i += 1
    else if (code === quote) return i
  }
  return text.length
}
