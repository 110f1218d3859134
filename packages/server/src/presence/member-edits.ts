import type { Codec } from '../codec/codec.ts'
import type { StateChange } from '../state/changes.ts'
import type { Edit, Edited } from './edits.ts'
import { memberText, parseMember } from './member.ts'

/** The state of a member that an instance wants to store. */
export interface WantedMember {
  readonly key: string
  value: unknown
  /** The value as text. */
  text: string
  /** Whether the value is newer than the stored one. */
  isNewValue: boolean
}

interface Editor {
  /** The id of the instance that makes the edit. */
  readonly instance: string
  readonly codec: Codec
}

/** Creates the edit that adds an instance to a member. */
export function joining(
  member: WantedMember & { readonly entry: string | null },
  { instance, codec }: Editor,
): Edit {
  const { key, value, text, isNewValue, entry } = member
  return {
    key,
    expected: entry,
    apply(before) {
      const stored = before === null ? undefined : parseMember(before)
      const holders = stored?.instances ?? []
      const instances = holders.includes(instance) ? holders : [...holders, instance]
      const isSet = stored === undefined || (isNewValue && stored.value !== text)
      if (stored && !isSet && instances === holders) return undefined
      const edited = memberText({ instances, value: isSet ? text : stored.value })
      if (!isSet) return { text: edited }
      const payload = codec.serialize({ type: 'set', key, value } satisfies StateChange<unknown>)
      return { text: edited, payload }
    },
  }
}

/** Creates the edit that removes an instance from a member. */
export function leaving(
  { key, entry }: { readonly key: string; readonly entry: string | null },
  { instance, codec }: Editor,
): Edit {
  const apply = (before: string | null): Edited | undefined =>
    without(before, (id) => id === instance, { key, codec })
  return { key, expected: entry, apply }
}

/** Creates the edit that removes dead instances from an entry; `undefined` if there are none. */
export function removal({
  key,
  text,
  dead,
  codec,
}: {
  readonly key: string
  readonly text: string
  readonly dead: ReadonlySet<string>
  readonly codec: Codec
}): Edit | undefined {
  const apply = (before: string | null): Edited | undefined =>
    without(before, (id) => dead.has(id), { key, codec })
  return apply(text) && { key, expected: text, apply }
}

function without(
  before: string | null,
  isGone: (instance: string) => boolean,
  { key, codec }: { readonly key: string; readonly codec: Codec },
): Edited | undefined {
  if (before === null) return undefined
  const { instances, value } = parseMember(before)
  const left = instances.filter((id) => !isGone(id))
  if (left.length === instances.length) return undefined
  if (left.length > 0) return { text: memberText({ instances: left, value }) }
  const payload = codec.serialize({ type: 'removed', key } satisfies StateChange<unknown>)
  return { text: null, payload }
}
