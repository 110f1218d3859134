/**
 * `npm run bench` measures our server beside stock tRPC, other libraries and the floor, in one run.
 * Read README.md before you quote a figure.
 */

import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { dirname, relative } from 'node:path'
import type { HotPath } from './hot-paths.ts'
import { type BenchOptions, readOptions, usage } from './options.ts'
import { createRuntime } from './processes/runtime.ts'
import { markdownOf, tableOf } from './report.ts'
import { plan, type Results, runBench } from './run.ts'
import { scenarios } from './scenarios/index.ts'
import { createSession } from './session.ts'

// On exit, this process stops all processes that it started. A signal must lead to a regular exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

const options = readOrExplain()
if (options) {
  checkOpenFiles(options)
  const runtime = await createRuntime(options.node)
  const session = createSession(runtime, options.sizes, dirname(options.out))
  const results = await runBench(options, session, (what) => console.log(what))
  show(results)
  await save(options, { ...about(options, runtime.version), ...results })
  process.exitCode = failuresOf(results)
}

function readOrExplain(): BenchOptions | undefined {
  try {
    return readOptions(process.argv.slice(2).filter((arg) => arg !== '--'))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    process.exitCode = 2
    return undefined
  }
}

function about({ size, sizes }: BenchOptions, node: string): object {
  const machine = `${process.platform} ${process.arch}, ${availableParallelism()} × ${cpus()[0]?.model}`
  return { node, machine, size, rounds: sizes.rounds, loadMs: sizes.loadMs }
}

function show({ scenarios: results, hotPaths }: Results): void {
  for (const result of results) {
    const scenario = scenarios.find(({ name }) => name === result.name)
    if (!scenario) continue
    console.log(`\n${scenario.title}\n${scenario.about}`)
    for (const one of result.cases) {
      console.log(`\n${one.title}\n\n${markdownOf(tableOf(scenario, one))}`)
      for (const { name, failures = [] } of one.rows) {
        for (const failure of failures) console.log(`${name} failed: ${failure}`)
      }
    }
  }
  for (const path of hotPaths) showHotPath(path)
}

function showHotPath({ name, file, functions }: HotPath): void {
  console.log(`\nWhere the time goes: ${name} (${file})`)
  for (const { name, share } of functions)
    console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${name}`)
}

async function save({ out }: BenchOptions, results: object): Promise<void> {
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, `${JSON.stringify(results, shortened, 2)}\n`)
  console.log(`\nWritten to ${relative(process.cwd(), out)}`)
}

/** Shortens numbers, because no figure is precise to more than six digits. */
function shortened(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value
}

/** A failure of another library is a result; a failure of ours fails the run. */
function failuresOf({ scenarios }: Results): number {
  const rows = scenarios.flatMap(({ cases }) => cases.flatMap(({ rows }) => rows))
  return rows.some(({ target, failures }) => target === 'ours' && failures) ? 1 : 0
}

/** Throws if a process may have fewer open files than the run needs connections. */
function checkOpenFiles(options: BenchOptions): void {
  const connections = plan(options).flatMap(([, cases]) =>
    cases.map(({ connections }) => connections),
  )
  const needed = Math.max(0, ...connections) + 100
  // Look at the hard limit, because Node raises its own soft limit up to it.
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
  if (limit === 'unlimited' || Number(limit) >= needed) return
  throw new Error(
    `A process may have ${limit} open files here (ulimit -Hn), and the bench needs ${needed}. ` +
      'Raise the limit, or ask for less with --quick, --subscribers or --scenarios.',
  )
}
