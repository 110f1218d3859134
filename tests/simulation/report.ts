import type { Counts, Totals } from './batch.ts'
import type { Violation } from './oracle.ts'
import { allRare } from './rareness.ts'
import type { Outcome } from './simulate.ts'
import { formatEntry, type TraceEntry } from './trace.ts'

/** The most lines of a timeline. */
const mostLines = 60

/** Describes a failed run: what went wrong, what led to it, and how to see it again. */
export function describeFailure({ plan, violations, world }: Outcome): string {
  const [first] = violations
  if (!first) return `seed ${plan.seed}: every promise was kept`
  const { instances, modes, config, maxDurationMs } = plan
  const lines = world.trace.entries.filter((entry) => matters(entry, first))
  const left = lines.length - mostLines
  return [
    `seed ${plan.seed}: ${first.text}`,
    ...violations.slice(1, 4).map(({ text }) => `  and ${text}`),
    '',
    `  ${instances} instances, clients: ${modes.join(', ')}`,
    `  ${JSON.stringify({ ...config, maxDurationMs })}`,
    ...(left > 0 ? [`  … ${left} lines before`] : []),
    ...lines.slice(-mostLines).map(formatEntry),
    '',
    `  npm run simulate -- --seed ${plan.seed} --keep ${plan.steps.map(({ id }) => id).join(',')}`,
  ].join('\n')
}

/** Faults matter, and what the one that it happened to was told, and what its rooms stored. */
function matters(
  { actor, text, atMs, isFault }: TraceEntry,
  { actor: whose, about, atMs: until }: Violation,
): boolean {
  if (atMs > until && until > 0) return false
  if (isFault || actor === 'fault' || actor === 'console') return true
  if (about.length === 0) return true
  if (actor === 'store') return about.some((name) => text.startsWith(`${name} `))
  if (actor === whose) return about.some((name) => text.startsWith(`${name}:`))
  return text.includes(`${whose}'s`)
}

/** How long seeds took: on the wall, and in all processes. */
interface Took {
  readonly elapsedMs: number
  readonly cpuMs: number
}

/** Describes how much was run. */
export function describeBatch(totals: Totals, failed: number, took: Took): string {
  const { seeds, simulatedMs, published, delivered, faults, rare, fingerprint } = totals
  const { elapsedMs, cpuMs } = took
  const never = allRare.filter((branch) => rare[branch] === undefined)
  const hours = (simulatedMs / 3_600_000).toFixed(1)
  const perSecond = Math.round((seeds * 1_000) / elapsedMs)
  const times = Math.round(simulatedMs / elapsedMs)
  return [
    `${seeds} seeds, ${failed} failed; ${perSecond} seeds/s, ${(cpuMs / seeds).toFixed(1)} ms of CPU each`,
    `${hours} simulated hours, ${times} times as fast as real ones`,
    `${published} events published, ${delivered} delivered`,
    `fingerprint ${fingerprint}`,
    `faults: ${describeCounts(faults)}`,
    `rare branches: ${describeCounts(rare)}; never taken: ${never.join(', ') || 'none'}`,
  ].join('\n')
}

function describeCounts(counts: Counts): string {
  const most = Object.entries(counts).sort(([, a], [, b]) => b - a)
  return most.map(([name, count]) => `${count} ${name}`).join(', ')
}
