/**
 * A member, as an entry stores it: the ids of the instances that hold it, and its value. A process
 * that lost its lease continues as another instance.
 */
export interface StoredMember {
  readonly instances: readonly string[]
  /** The value as text. */
  readonly value: string
}

/** Parses the text of an entry: ids of instances, a space, and the value. */
export function parseMember(text: string): StoredMember {
  const space = text.indexOf(' ')
  return { instances: text.slice(0, space).split(','), value: text.slice(space + 1) }
}

export function memberText({ instances, value }: StoredMember): string {
  return `${instances.join(',')} ${value}`
}
