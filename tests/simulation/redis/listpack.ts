/** An entry of a stream, as it is stored in a block. */
export interface EntrySize {
  readonly fields: readonly string[]
  /** Whether its fields have the names of the block's first entry, and aren't stored again. */
  readonly isSame: boolean
  readonly msDiff: number
  readonly seqDiff: number
}

/** The bytes of a block's head: its own header, and the names of the first entry's fields. */
export function listpackOverhead(masterFields: readonly string[]): number {
  const head = [1, 0, masterFields.length, 0].reduce((sum, number) => sum + sizeOfNumber(number), 0)
  return 7 + head + masterFields.reduce((sum, name) => sum + sizeOfText(name), 0)
}

/** The bytes that an entry takes in a block. */
export function sizeOfEntry({ fields, isSame, msDiff, seqDiff }: EntrySize): number {
  const names = isSame ? [] : fields.filter((_, i) => i % 2 === 0)
  const values = fields.filter((_, i) => i % 2 === 1)
  const pieces = values.length + (isSame ? 3 : names.length + 4)
  const numbers = [isSame ? 2 : 0, msDiff, seqDiff, ...(isSame ? [] : [names.length]), pieces]
  return (
    numbers.reduce((sum, number) => sum + sizeOfNumber(number), 0) +
    [...names, ...values].reduce((sum, text) => sum + sizeOfText(text), 0)
  )
}

function sizeOfText(text: string): number {
  if (/^(0|-?[1-9]\d{0,18})$/.test(text)) return sizeOfNumber(Number(text))
  const { length } = text
  return withLength(length + (length < 64 ? 1 : length < 4_096 ? 2 : 5))
}

function sizeOfNumber(number: number): number {
  if (number >= 0 && number < 128) return withLength(1)
  for (const [bits, bytes] of integerSizes)
    if (number >= -(2 ** (bits - 1)) && number < 2 ** (bits - 1)) return withLength(bytes)
  return withLength(9)
}

const integerSizes = [
  [13, 2],
  [16, 3],
  [24, 4],
  [32, 5],
] as const

/** Each element is followed by its length. */
function withLength(bytes: number): number {
  if (bytes < 128) return bytes + 1
  if (bytes < 16_383) return bytes + 2
  return bytes + (bytes < 2_097_151 ? 3 : 4)
}
