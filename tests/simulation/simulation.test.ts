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

it('from publish to handler, every promise is kept in 200 simulated worlds', async () => {
  expect(await simulate('--seeds', '200')).toContain('200 seeds, 0 failed')
}, 300_000)

it('a seed gives the same run in every process', async () => {
  const runs = await Promise.all([1, 2].map(() => simulate('--seeds', '10', '--from', '1000')))
  const [one, other] = runs.map((said) => /fingerprint \w+/.exec(said)?.[0])
  expect(one).toBeDefined()
  expect(one).toBe(other)
})

it('each planted bug is found', async () => {
  expect(await simulate('--planted')).toMatch(/\b(\d+) of \1 planted bugs were found/)
}, 600_000)
