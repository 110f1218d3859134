import type { AsJson, FollowedItem, TakeItem } from './follow.ts'

/** A piece of a text that arrives in many chunks. */
export interface TextPiece {
  /** Identifies the text that it belongs to. */
  readonly part: string
  readonly text: string
}

/** How the chunks of an SDK carry text. */
export interface TextFormat<TChunk> {
  /** Returns the text in a chunk; `undefined` for a chunk that is not a piece of one. */
  readonly read: (chunk: TChunk) => TextPiece | undefined
  /** Returns a copy of such a chunk with another text. */
  readonly write: (chunk: TChunk, text: string) => TChunk
  /** Converts a received chunk to the chunk's type. JSON's types are wider. */
  readonly receive: (chunk: AsJson<TChunk>) => TChunk
}

/** A fold of many chunks into fewer, in which the pieces of a text are joined. */
export interface ChunkFold<TChunk> {
  readonly initial: readonly TChunk[]
  readonly apply: (value: readonly TChunk[], chunk: TChunk) => readonly TChunk[]
}

/**
 * Returns a fold that joins neighboring pieces of one text. An SDK creates the same message from
 * the fold's value as from all chunks.
 */
export function createChunkFold<TChunk>(format: TextFormat<TChunk>): ChunkFold<TChunk> {
  return {
    initial: [],
    apply(value, chunk) {
      const last = value.at(-1)
      const joined = last !== undefined && join(format, last, chunk)
      return joined ? [...value.slice(0, -1), joined] : [...value, chunk]
    },
  }
}

function join<TChunk>(
  { read, write }: TextFormat<TChunk>,
  last: TChunk,
  next: TChunk,
): TChunk | undefined {
  const [before, after] = [read(last), read(next)]
  if (!before || before.part !== after?.part) return undefined
  // Other properties are those of the later chunk.
  return write({ ...last, ...next }, before.text + after.text)
}

/**
 * Returns a function that turns the items of a run into chunks, for one reader. A fold has all
 * chunks from the first one on, and the reader gets those that it lacks.
 */
export function createTake<TChunk>(format: TextFormat<TChunk>): TakeItem<TChunk> {
  // The reader's position: the number of chunks of the fold, and the length of the last one's text.
  let last: TChunk | undefined
  let count = 0
  const add = (chunk: TChunk): void => {
    const joined = last !== undefined && join(format, last, chunk)
    if (!joined) count += 1
    last = joined || chunk
  }
  const restOf = (value: readonly TChunk[]): readonly TChunk[] => {
    const whole = value[count - 1]
    if (last === undefined || whole === undefined) return value.slice(count)
    const text = format.read(whole)?.text.slice(format.read(last)?.text.length)
    const more = text ? [format.write(whole, text)] : []
    return [...more, ...value.slice(count)]
  }
  const chunksOf = (item: FollowedItem<TChunk>['data']): readonly TChunk[] => {
    if (item.type === 'fold') return restOf(item.value.map(format.receive))
    return item.type === 'delta' ? [format.receive(item.data)] : []
  }
  return (item) => {
    const chunks = chunksOf(item)
    for (const chunk of chunks) add(chunk)
    return chunks
  }
}
