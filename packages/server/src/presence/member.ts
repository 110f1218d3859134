/**
 * A member as it is stored in an entry: the instances that hold it, and its value. An instance is a
 * process, or a process after it has lost its lease.
 */
export interface StoredMember {
  readonly instances: readonly string[]
  /** The value as text. */
  readonly value: string
}

/** Reads the text of an entry: ids of instances, a space, and the value. */
export function parseMember(text: string): StoredMember {
  const space = text.indexOf(' ')
  return { instances: text.slice(0, space).split(','), value: text.slice(space + 1) }
}

export function memberText({ instances, value }: StoredMember): string {
  return `${instances.join(',')} ${value}`
}
