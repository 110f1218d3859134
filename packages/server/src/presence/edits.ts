import type { ChannelLog } from '../backend/backend.ts'
import type { EntryUpdate, LogChange } from '../backend/entries.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'

/** The result of an edit for an entry. */
export interface Edited {
  /** The new text; `null` removes the entry. */
  readonly text: string | null
  /** The payload of the event that announces it; without one, readers don't notice. */
  readonly payload?: string
}

/** An edit of one entry. */
export interface Edit {
  readonly key: string
  /** The expected text of the entry; `null` if there should be no entry. A guess is enough. */
  readonly expected: string | null
  /** Returns the new state of an entry with this text; `undefined` for no change. */
  apply(text: string | null): Edited | undefined
}

/** The outcome of an edit: the text of the entry, or `'full'` if there were too many entries. */
export type EditResult = { readonly text: string | null } | 'full'

/** The number of entries that one script changes. Redis serves nobody else in the meantime. */
const batchSize = 250
/** The maximum number of attempts of one batch. */
const maxTries = 50

/** Options of {@link editEntries}. */
export interface EditOptions {
  readonly log: ChannelLog
  readonly backend: EntriesBackend
  readonly maxEntries: number
}

/**
 * Edits different entries, many in one step. Returns the outcomes in order. Rejects if the backend
 * fails, or if others keep changing the entries. Some of the edits may be stored then.
 */
export async function editEntries(
  options: EditOptions,
  edits: readonly Edit[],
): Promise<readonly EditResult[]> {
  const results: EditResult[] = []
  for (let i = 0; i < edits.length; i += batchSize)
    results.push(...(await editBatch(options, edits.slice(i, i + batchSize))))
  return results
}

async function editBatch(
  options: EditOptions,
  edits: readonly Edit[],
): Promise<readonly EditResult[]> {
  const { log, backend, maxEntries } = options
  let texts = edits.map(({ expected }) => expected)
  for (let tries = 0; tries < maxTries; tries++) {
    const edited = edits.map(({ apply }, i) => apply(texts[i] ?? null))
    const { outcome, current } = await backend.change(log, {
      ...toChange(edits, texts, edited),
      maxEntries,
    })
    if (outcome === 'changed')
      return edited.map((one, i) => ({ text: (one ? one.text : texts[i]) ?? null }))
    if (outcome === 'full') return edits.length === 1 ? ['full'] : await oneByOne(options, edits)
    texts = [...current]
  }
  throw new Error(`Entries of ${log.key} were changed by others ${maxTries} times in a row.`)
}

/** Stores the edits that fit. */
async function oneByOne(
  options: EditOptions,
  edits: readonly Edit[],
): Promise<readonly EditResult[]> {
  const results: EditResult[] = []
  for (const edit of edits) results.push(...(await editBatch(options, [edit])))
  return results
}

function toChange(
  edits: readonly Edit[],
  texts: readonly (string | null)[],
  edited: readonly (Edited | undefined)[],
): LogChange {
  const set: EntryUpdate[] = []
  const removed: string[] = []
  for (const [i, { key }] of edits.entries()) {
    const one = edited[i]
    if (one?.text === null) removed.push(key)
    else if (one) set.push({ key, value: one.text })
  }
  return {
    // Entries without a change are checked, too: `apply` may decide otherwise for another text.
    when: edits.map(({ key }, i) => ({ key, is: texts[i] ?? null })),
    set,
    delete: removed,
    payloads: edited.flatMap((one) => one?.payload ?? []),
  }
}
