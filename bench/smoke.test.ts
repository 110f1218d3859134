import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import type { Results } from './run.ts'
import { scenarioNames } from './scenarios/scenario.ts'
import { targetNames } from './targets/target.ts'

/** Runs the bench as its users do, and returns the results that it kept. */
async function bench(signal: AbortSignal, ...args: readonly string[]): Promise<Results> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  try {
    const out = join(folder, 'results.json')
    const command = [join(import.meta.dirname, 'main.ts'), '--smoke', '--out', out, ...args]
    const child = spawn(process.execPath, command, { signal, stdio: ['ignore', 'pipe', 'pipe'] })
    const exited = once(child, 'close')
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    const [code] = await exited
    expect([code, errors], output).toEqual([0, ''])
    return JSON.parse(await readFile(out, 'utf8'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// The run starts two processes for each of about thirty rows.
const timeout = 240_000
const others = scenarioNames.filter((name) => name !== 'fan-out')

it('measures every target', { timeout }, async ({ signal }) => {
  const { scenarios } = await bench(signal, '--scenarios', 'fan-out,runs')
  const rows = scenarios
    .flatMap(({ cases }) => cases.flatMap(({ rows }) => rows))
    .filter(({ figures }) => figures.elapsedMs === undefined)
  expect(new Set(rows.map(({ target }) => target))).toEqual(new Set(targetNames))
  for (const { name, figures, failures } of rows) {
    expect(failures, name).toBeUndefined()
    expect(figures.cpuUsPerDelivery, name).toBeGreaterThan(0)
    expect(figures.bytesPerDelivery, name).toBeGreaterThan(130)
  }
})

it('measures every other scenario', { timeout }, async ({ signal }) => {
  // As for another Node: compiled into a few files, which start in half of the time.
  const compiled = ['--node', process.execPath]
  const { scenarios, hotPaths } = await bench(
    signal,
    ...compiled,
    '--targets',
    'ours',
    '--scenarios',
    `${others}`,
  )
  expect([...scenarios.map(({ name }) => name), 'profile']).toEqual(others)
  for (const { name: scenario, cases } of scenarios) {
    expect(cases.length, scenario).toBeGreaterThan(0)
    for (const { name, figures, failures } of cases.flatMap(({ rows }) => rows)) {
      expect(failures, `${scenario}: ${name}`).toBeUndefined()
      expect(Object.values(figures).every(Number.isFinite), `${scenario}: ${name}`).toBe(true)
      // Clients that stalled or reconnected get all events in the end.
      expect(figures.missing ?? 0, `${scenario}: ${name}`).toBe(0)
    }
  }
  expect(hotPaths.map(({ functions }) => functions.length > 0)).toEqual([true, true, true, true])
})
