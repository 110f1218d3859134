/** Returns the colour of a person, for light and dark pages. */
export function colourOf(user: string): string {
  let hash = 0x811c9dc5
  for (const character of user)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  const hue = hash % 360
  return `light-dark(oklch(0.5 0.15 ${hue}), oklch(0.8 0.11 ${hue}))`
}
