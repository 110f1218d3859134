const encoder = new TextEncoder()

/** Returns how many bytes a text has as UTF-8. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length
}
