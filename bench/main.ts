/** `npm run bench`: ours beside stock tRPC and raw `node:http`, in one run. Read README.md before you quote a figure. */

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { type BenchOptions, checkOpenFiles, readOptions, usage } from './options.ts'
import { showResults } from './report.ts'
import { type Results, runBench } from './run.ts'

try {
  const options = await readOptions(process.argv.slice(2).filter((arg) => arg !== '--'))
  checkOpenFiles(options)
  const results = await runBench(options, (what) => console.log(what))
  showResults(results)
  await save(options, results)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  console.error(`\n${usage}`)
  process.exitCode = 1
}

async function save({ out, rounds, loadMs, runtime }: BenchOptions, results: Results): Promise<void> {
  await mkdir(dirname(out), { recursive: true })
  const about = { node: runtime.version, platform: `${process.platform} ${process.arch}`, rounds, loadMs }
  await writeFile(out, `${JSON.stringify({ ...about, ...results }, null, 2)}\n`)
  console.log(`\nWritten to ${relative(process.cwd(), out)}`)
}
