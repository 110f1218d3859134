import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

// In processes of their own: a run replaces the runtime's time, timers and chance.
async function simulate(...args: string[]): Promise<string> {
  const main = join(import.meta.dirname, 'main.ts')
  const run = promisify(execFile)(process.execPath, [main, ...args])
  // What a failed run has to say is on its output.
  const { stdout } = await run.catch((failure: { readonly stdout: string }) => failure)
  return stdout
}

it('every promise is kept in 1,600 simulated worlds, and each rare branch is taken', async () => {
  const said = await simulate('--seeds', '1600')
  expect(said).toContain('1600 seeds, 0 failed')
  expect(said).toContain('never taken: none')
}, 600_000)

it('a seed gives the same run in every process', async () => {
  const runs = await Promise.all(
    ['1', '2'].map((workers) => simulate('--seeds', '60', '--from', '1000', '--workers', workers)),
  )
  const [one, other] = runs.map((said) => /fingerprint \w+/.exec(said)?.[0])
  expect(one).toBeDefined()
  expect(one).toBe(other)
})

it('each planted bug is found', async () => {
  expect(await simulate('--planted')).toMatch(/\b(\d+) of \1 planted bugs were found/)
}, 600_000)
