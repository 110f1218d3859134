import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/pages.ts'

const head = `
import { type LiveSubscription, useLive } from '@trpc-sse/react'
declare const numbers: LiveSubscription<number, Error>
declare const items: LiveSubscription<{ id: string }, Error>
`

// Each call lacks the same option: initialData.
const calls = [
  'useLive(numbers, { reduce: (sum: number, clicks) => sum + clicks })',
  'useLive(numbers, { reduce: (all: number[], clicks) => [...all, clicks], write: () => {} })',
  'useLive(items, { key: (item) => item.id })',
  'useLive(items, { key: (item) => item.id, write: () => {} })',
]

it('the type errors of useLive without a first state name initialData', () => {
  const folder = mkdtempSync(join(root, 'tests/react/types-'))
  try {
    writeFileSync(join(folder, 'page.ts'), head + calls.join('\n'))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.base.json', include: ['page.ts'] }),
    )
    const tsc = join(root, 'node_modules/.bin/tsc')
    const { stdout } = spawnSync(tsc, ['-p', '.', '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    })
    const errors = stdout.split(/^(?=page\.ts)/m)
    expect(errors).toHaveLength(calls.length)
    for (const error of errors) expect(error).toContain("Property 'initialData' is missing")
  } finally {
    rmSync(folder, { recursive: true })
  }
})
