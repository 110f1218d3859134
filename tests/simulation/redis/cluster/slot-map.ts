import { slotCount } from './hash-slot.ts'

/** Slots next to each other that one node has. */
export interface SlotRange {
  readonly from: number
  readonly to: number
  readonly owner: string
}

/** Which node has which slot, as one node knows it. Nodes are given by their ids. */
export class SlotMap {
  /** The owners of the parts, of the same size, into which all slots were divided at first. */
  readonly #parts: string[]
  readonly #moved = new Map<number, string>()

  constructor(parts: readonly string[]) {
    this.#parts = [...parts]
  }

  ownerOf(slot: number): string {
    const part = Math.floor((slot * this.#parts.length) / slotCount)
    return this.#moved.get(slot) ?? this.#parts[part] ?? ''
  }

  move(slot: number, to: string): void {
    this.#moved.set(slot, to)
  }

  /** Gives all slots of a node to another one. */
  replace(old: string, next: string): void {
    for (const [i, owner] of this.#parts.entries()) if (owner === old) this.#parts[i] = next
    for (const [slot, owner] of this.#moved) if (owner === old) this.#moved.set(slot, next)
  }

  ranges(): SlotRange[] {
    const { length } = this.#parts
    const starts = this.#parts.map((_, i) => Math.ceil((i * slotCount) / length))
    for (const slot of this.#moved.keys()) starts.push(slot, slot + 1)
    const ordered = [...new Set(starts)].filter((slot) => slot < slotCount).sort((a, b) => a - b)
    const ranges: SlotRange[] = []
    for (const [i, from] of ordered.entries()) {
      const to = (ordered[i + 1] ?? slotCount) - 1
      const owner = this.ownerOf(from)
      const last = ranges.at(-1)
      if (last?.owner === owner) ranges[ranges.length - 1] = { ...last, to }
      else ranges.push({ from, to, owner })
    }
    return ranges
  }
}
