import { hash } from './chance.ts'
import type { Timeline } from './timeline.ts'

/** One thing that happened. */
export interface TraceEntry {
  readonly atMs: number
  /** Who did it, or to whom it happened: `client 1`, `instance 2`, `store`. */
  readonly actor: string
  readonly text: string
  /** Faults are always shown. */
  readonly isFault: boolean
}

/** All that happened in a run, in order. */
export class Trace {
  readonly entries: TraceEntry[] = []
  readonly #timeline: Timeline

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  get nowMs(): number {
    return this.#timeline.nowMs
  }

  add(actor: string, text: string, isFault = false): void {
    this.entries.push({ atMs: this.#timeline.nowMs, actor, text, isFault })
  }

  /** Names this run: another one with the same name did the same. */
  fingerprint(): string {
    return hash(this.lines().join('\n')).toString(16)
  }

  lines(): string[] {
    return this.entries.map(formatEntry)
  }
}

/** Formats an entry as one line. */
export function formatEntry({ atMs, actor, text, isFault }: TraceEntry): string {
  const seconds = (atMs / 1_000).toFixed(3).padStart(9)
  return `${seconds} s  ${isFault ? '✗' : ' '} ${actor.padEnd(12)} ${text}`
}
