import type { ChannelLog } from '../backend/backend.ts'
import type { EntryUpdate, LogChange } from '../backend/entries.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'

/** What becomes of an entry. */
export interface Edited {
  /** Its new text; `null` removes it. */
  readonly text: string | null
  /** The event that tells of it, if readers are to know. */
  readonly payload?: string
}

/** A wanted change of one entry. */
export interface Edit {
  readonly key: string
  /** The text that the entry probably has; `null` if there is probably none. */
  readonly expected: string | null
  /** Returns what becomes of the entry; `undefined` if it is to stay. */
  apply(text: string | null): Edited | undefined
}

/** What an edit resulted in: the text that the entry has, or that there were too many entries. */
export type EditResult = { readonly text: string | null } | 'full'

/** How many entries one script changes: Redis does nothing else meanwhile. */
const batchSize = 250
/** How often a batch is tried while others change its entries. */
const maxTries = 50

/** What edits are made with. */
export interface EditOptions {
  readonly log: ChannelLog
  readonly backend: EntriesBackend
  readonly maxEntries: number
}

/**
 * Makes edits of different entries, many in one step. Returns their results in order. Rejects if the
 * backend fails, or others change the entries all the time; some edits are made then.
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

/** Those that fit are made. */
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
    // All of them: an entry that is to stay may have been changed, too.
    when: edits.map(({ key }, i) => ({ key, is: texts[i] ?? null })),
    set,
    delete: removed,
    payloads: edited.flatMap((one) => one?.payload ?? []),
  }
}
