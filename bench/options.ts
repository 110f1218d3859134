import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { createRuntime, type Runtime } from './runtime.ts'

/** What is measured: one file each in `targets/`. */
export const targetNames = ['ours', 'stock', 'raw'] as const

/** One of the servers that are measured side by side. */
export type TargetName = (typeof targetNames)[number]

/** How much is measured, and for how long. */
export interface BenchOptions {
  readonly targets: readonly TargetName[]
  /** Numbers of subscribers: a row of the table each. */
  readonly subscribers: readonly number[]
  /** Connections that are open, and silent, while memory is measured; 0 for no such measurement. */
  readonly idle: number
  readonly rounds: number
  readonly idleRounds: number
  readonly warmUpMs: number
  readonly loadMs: number
  readonly probeMs: number
  /** Whether to write a CPU profile of each load, and show where the time went. */
  readonly profile: boolean
  readonly runtime: Runtime
  /** The file that the results are written to. */
  readonly out: string
}

const normal = { rounds: 3, idle: 5_000, idleRounds: 2, warmUpMs: 1_500, loadMs: 2_000, probeMs: 1_000 }
const quick = { rounds: 1, idle: 2_000, idleRounds: 1, warmUpMs: 500, loadMs: 800, probeMs: 300 }

/** How to call it. */
export const usage = `npm run bench -- [options]
  --quick              one short round of everything
  --targets a,b        of ${targetNames.join(', ')} (all)
  --subscribers 1,100  numbers of subscribers (1,100,1000)
  --idle n             idle connections for the memory row (${normal.idle}; 0: leave it out)
  --rounds n           rounds to take medians over (${normal.rounds})
  --profile            CPU profiles of the servers under load, into results/
  --node path          another Node for the measured processes, of version 20 or newer
  --out file           where the JSON goes (results/latest.json)`

/** Reads the command line. Throws for what it doesn't know. */
export async function readOptions(args: readonly string[]): Promise<BenchOptions> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      targets: { type: 'string', default: targetNames.join(',') },
      subscribers: { type: 'string', default: '1,100,1000' },
      idle: { type: 'string' },
      rounds: { type: 'string' },
      profile: { type: 'boolean', default: false },
      node: { type: 'string' },
      out: { type: 'string', default: `${import.meta.dirname}/results/latest.json` },
    },
  })
  const base = values.quick ? quick : normal
  return {
    ...base,
    targets: values.targets.split(',').map(targetName),
    subscribers: values.subscribers.split(',').map((text) => wholeNumber(text, 1)),
    idle: values.idle === undefined ? base.idle : wholeNumber(values.idle, 0),
    rounds: values.rounds === undefined ? base.rounds : wholeNumber(values.rounds, 1),
    profile: values.profile,
    runtime: await createRuntime(values.node),
    out: values.out,
  }
}

/** Throws if this machine lets a process have fewer open files than there will be connections. */
export function checkOpenFiles({ subscribers, idle }: BenchOptions): void {
  const needed = Math.max(idle, ...subscribers) + 100
  // The hard limit: Node raises its own soft limit up to it.
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
  if (limit === 'unlimited' || Number(limit) >= needed) return
  throw new Error(
    `A process may have ${limit} open files here (ulimit -Hn), and the bench needs ${needed}. ` +
      'Raise the limit, or ask for less with --subscribers and --idle.',
  )
}

function targetName(text: string): TargetName {
  const name = targetNames.find((known) => known === text)
  if (name) return name
  throw new Error(`There is no target "${text}". Choose from ${targetNames.join(', ')}.`)
}

function wholeNumber(text: string, least: number): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new Error(`"${text}" is not a whole number from ${least} on.`)
}
