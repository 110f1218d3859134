import type { RareBranch } from '@trpc-sse/protocol'
import { chanceFor } from './chance.ts'

/** How probable rare branches are, each time that the packages ask about one. */
export type Rareness = Readonly<Partial<Record<RareBranch, number>>>

/** Some runs take a few of the rare branches again and again; most take none. */
export function rareBranches(seed: number): Rareness {
  const chance = chanceFor(seed, 'rare')
  if (chance.is(0.5)) return {}
  const branches = Array.from({ length: chance.between(1, 4) }, () => chance.one(allRare))
  return Object.fromEntries(
    branches.map((branch) => [branch, rareness[branch] * chance.one([0.1, 1])]),
  )
}

/** The highest probabilities. Of those that are asked about several times a second, they are low. */
const rareness: Required<Rareness> = {
  'early check': 0.5,
  'early close': 0.5,
  'early handover': 0.05,
  'early hang-up': 0.3,
  'early silence': 0.2,
  'full buffer': 0.4,
  'lone append': 0.8,
  'lost reply': 0.2,
  'new stream': 0.5,
  'page of one': 0.9,
  'read despite hint': 0.4,
  'retry at once': 0.8,
  'short window': 0.4,
}
/** All rare branches. */
export const allRare: readonly RareBranch[] = Object.keys(rareness) as RareBranch[]
