import { mkdir, writeFile } from 'node:fs/promises'
import { type Profiler, Session } from 'node:inspector/promises'
import { basename, dirname } from 'node:path'

/** A function, and its self time: without the functions that it calls. */
export interface SelfTime {
  /** Its name, file and line. */
  readonly name: string
  /** The share of the time during which the process was busy. */
  readonly share: number
}

const intervalUs = 200
// Waiting, and the cost of the profiler itself.
const notOurs = /^\(idle\)$|^post node:inspector/

/** Runs something under the CPU profiler, and writes the profile to a file. */
export async function profiled(
  file: string,
  run: () => Promise<unknown>,
): Promise<readonly SelfTime[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: intervalUs })
  await session.post('Profiler.start')
  await run()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(profile))
  return selfTimes(profile)
}

/** The self times of all functions of a profile, the hottest first. */
export function selfTimes({
  nodes,
  samples = [],
  timeDeltas = [],
}: Pick<Profiler.Profile, 'nodes' | 'samples' | 'timeDeltas'>): readonly SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    if (!notOurs.test(name)) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  return [...times]
    .map(([name, time]) => ({ name, share: time / total }))
    .sort((a, b) => b.share - a.share)
}

function nameOf({
  functionName,
  url,
  lineNumber,
}: Profiler.Profile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)'
  return url ? `${name} ${basename(url)}:${lineNumber + 1}` : name
}
