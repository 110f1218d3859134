/** How deep JSON from a client may be nested. What is deeper ends the stack of whoever walks through it: a schema, a transformer. */
export const maxJsonDepth = 256

const quote = 0x22
const backslash = 0x5c
// Brackets and braces differ in this bit alone.
const braceBit = 0x20
const openingBrace = 0x7b
const closingBrace = 0x7d

/** Whether a text that may be JSON is nested deeper than {@link maxJsonDepth}. Looks at each character once. */
export function isNestedTooDeep(text: string): boolean {
  // As many closings as openings: a shorter text is either not that deep, or no JSON.
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

/** Where a string ends that starts here; the end of the text for one that doesn't. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === backslash) i += 1
    else if (code === quote) return i
  }
  return text.length
}
