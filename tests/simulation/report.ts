import type { BatchResult } from './batch.ts'
import type { Violation } from './oracle.ts'
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

/** Describes how much was run. */
export function describeBatch(result: BatchResult, elapsedMs: number): string {
  const { seeds, simulatedMs, published, delivered, faults, fingerprint, failures } = result
  const hours = (simulatedMs / 3_600_000).toFixed(1)
  const perSecond = Math.round((seeds * 1_000) / elapsedMs)
  const times = Math.round(simulatedMs / elapsedMs)
  const kinds = [...faults].sort(([, a], [, b]) => b - a)
  return [
    `${seeds} seeds, ${failures.length} failed; ${perSecond} seeds/s`,
    `${hours} simulated hours, ${times} times as fast as real ones`,
    `${published} events published, ${delivered} delivered`,
    `fingerprint ${fingerprint}`,
    `faults: ${kinds.map(([kind, count]) => `${count} ${kind}`).join(', ')}`,
  ].join('\n')
}
