import { mkdir, writeFile } from 'node:fs/promises'
import { type Profiler, Session } from 'node:inspector/promises'
import { basename, dirname } from 'node:path'

const intervalUs = 200
const shown = 24
// Waiting, and what the profiler itself costs.
const notOurs = /^\(idle\)$|^post node:inspector/

/** Runs something under the CPU profiler; writes the profile to a file and its hottest functions to the screen. */
export async function profiled<T>(file: string, run: () => Promise<T>): Promise<T> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: intervalUs })
  await session.post('Profiler.start')
  const result = await run()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(profile))
  console.log(`\n${file}\n${hottest(profile).join('\n')}`)
  return result
}

/** Where the time went: the functions with the most of it in themselves, without what they call. */
function hottest({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string[] {
  const byId = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = byId.get(id) ?? ''
    if (!notOurs.test(name)) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, shown)
    .map(([name, time]) => `${((time / total) * 100).toFixed(1).padStart(6)} %  ${name}`)
}

function nameOf({ functionName, url, lineNumber }: Profiler.Profile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)'
  return url ? `${name} ${basename(url)}:${lineNumber + 1}` : name
}
