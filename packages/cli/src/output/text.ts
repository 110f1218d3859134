/**
 * Characters that a terminal obeys instead of showing them (C0, DEL, C1), that hide text or change
 * its direction, and lone surrogates.
 */
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}\p{Surrogate}]/gu

/**
 * Makes foreign text safe for a terminal, in one line: control characters, and those that are
 * invisible or change the direction of text, are shown as escapes like `\u001b`.
 */
export function safeText(text: string): string {
  return text.replace(unsafe, escapeCharacter)
}

/** Writes a value as one line of JSON, in ASCII where a terminal would obey or hide a character. */
export function jsonLine(value: unknown): string {
  return safeText(JSON.stringify(value) ?? 'null')
}

/** Makes JSON text one line that is safe for a terminal. It is the same JSON. */
export function safeJson(json: string): string {
  // In valid JSON, these are only between tokens. In strings they are escaped already.
  return safeText(json.replace(/[\t\r\n]+/g, ' '))
}

/** Replaces the user and the password in URLs. */
export function withoutPasswords(text: string): string {
  return text.replace(/:\/\/\S*@/g, '://***@')
}

/** Cuts a text after `most` characters, and says how many are missing. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)}… (${text.length - most} more characters)`
}

function escapeCharacter(character: string): string {
  const units = character.split('')
  return units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
}
