import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { processTests } from './support/shared-process.ts'

const root = join(import.meta.dirname, '..')
const published = [
  'protocol',
  'server',
  'redis',
  'client',
  'react',
  'ai',
  'opentelemetry',
  'devtools',
  'cli',
].map((name) => `packages/${name}/src`)

interface Finding {
  readonly code: string
  readonly message: string
  readonly filename: string
}

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'structure-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function lint(cwd: string, options: readonly string[]): Promise<Finding[]> {
  const oxlint = join(root, 'node_modules/.bin/oxlint')
  const args = [...options, '--format', 'json']
  const run = promisify(execFile)(oxlint, args, { cwd, maxBuffer: 64 * 1_048_576 })
  // If there are findings, it exits with 1.
  const { stdout } = await run.catch((failure: { stdout: string }) => failure)
  return JSON.parse(stdout).diagnostics
}

/** The lengths in lines of published files and functions, shortest first. */
async function measureLengths(): Promise<{ files: number[]; functions: number[] }> {
  const config = join(folder, 'oxlint.json')
  // With a limit of one line, the linter reports every longer file and function with its length.
  const rules = {
    'max-lines': ['error', { max: 1 }],
    'max-lines-per-function': ['error', { max: 1, IIFEs: true }],
  }
  await writeFile(config, JSON.stringify({ categories: { correctness: 'off' }, rules }))
  const others = ['**/*.test.ts', '**/*.test.tsx', '**/*.test-d.ts', '**/testing/**']
  const ignored = others.map((pattern) => `--ignore-pattern=${pattern}`)
  const findings = await lint(root, ['--config', config, ...published, ...ignored])
  const lengthsOf = (rule: string): number[] => {
    const found = findings.filter(({ code }) => code === `eslint(${rule})`)
    const lengths = found.map(({ message }) => Number(/\((\d+)\)/.exec(message)?.[1]))
    return lengths.toSorted((a, b) => a - b)
  }
  return { files: lengthsOf('max-lines'), functions: lengthsOf('max-lines-per-function') }
}

function percentile90(lengths: readonly number[]): number {
  return lengths[Math.floor(lengths.length * 0.9)] ?? 0
}

describe('published code', () => {
  it('has files of at most 300 lines, nine of ten within 200', async () => {
    const { files } = await measureLengths()
    expect(files.length).toBeGreaterThan(150)
    expect(percentile90(files)).toBeLessThanOrEqual(200)
    expect(files.at(-1)).toBeLessThanOrEqual(300)
  })

  it('has functions of at most 60 lines, nine of ten within 20', async () => {
    const { functions } = await measureLengths()
    expect(functions.length).toBeGreaterThan(1_000)
    expect(percentile90(functions)).toBeLessThanOrEqual(20)
    expect(functions.at(-1)).toBeLessThanOrEqual(60)
  })
})

describe('pnpm lint', () => {
  it.each([
    ['protocol/src/a.ts', "import fs from 'node:fs'"],
    ['server/src/link/a.ts', "import { x } from '@trpc-sse/redis'"],
    ['server/src/link/a.ts', "import http from 'node:http'"],
    ['server/src/hub/a.ts', "import type { X } from '../subscription/cursor.ts'"],
    ['server/src/channel/a.ts', "import type { X } from '../channels.ts'"],
    ['server/src/adapters/a.ts', "import { x } from '../hub/hub.ts'"],
    ['redis/src/a.ts', "import { x } from '@trpc-sse/protocol'"],
    ['redis/src/connection/a.ts', "import { x } from '../commands/retries.ts'"],
    ['client/src/a.ts', "import { x } from '@trpc-sse/server'"],
    ['client/src/a.ts', "import { x } from '@trpc/server/unstable-core-do-not-import'"],
    ['react/src/store/a.ts', "import { x } from '@trpc-sse/server'"],
    ['ai/src/tanstack/a.ts', "import { x } from 'ai'"],
    ['ai/src/a.ts', "import { x } from '@trpc-sse/server'"],
    ['opentelemetry/src/a.ts', "import { x } from '@trpc-sse/server'"],
    ['devtools/src/panel/a.ts', "import { x } from 'react'"],
    ['devtools/src/a.ts', "import { x } from '@trpc-sse/server'"],
    ['cli/src/redis/a.ts', "import { x } from '../commands/tail.ts'"],
    ['cli/src/a.ts', "import { x } from '@trpc-sse/react'"],
    ['../tests/a.ts', "import { x } from '../packages/server/src/hub/hub.ts'"],
  ])('refuses in %s: %s', async (file, line) => {
    expect(await findingsFor(file, line)).toEqual(['eslint(no-restricted-imports)'])
  })

  it.each([
    ['server/src/link/a.ts', "import type { IncomingMessage } from 'node:http'"],
    ['server/src/hub/a.ts', "import type { X } from '../backend/backend.ts'"],
    ['server/src/adapters/a.ts', "import { x } from '../index.ts'"],
    ['redis/src/pubsub/a.ts', "import { x } from '../connection/cork.ts'"],
    ['../tests/a.ts', "import { x } from '@trpc-sse/server'"],
  ])('accepts in %s: %s', async (file, line) => {
    expect(await findingsFor(file, line)).toEqual([])
  })

  it('refuses a cycle of imports, also one of types alone', async () => {
    await write(
      'packages/protocol/src/b.ts',
      "import type { A } from './a.ts'\nexport type B = A\n",
    )
    const line = "import type { B } from './b.ts'\nexport type A = B | 1"
    expect(await findingsFor('protocol/src/a.ts', line)).toEqual([
      'import(no-cycle)',
      'import(no-cycle)',
    ])
  })
})

it.each(processTests)('%s, which has a separate process, exists', (path) => {
  expect(existsSync(join(root, path))).toBe(true)
})

/** Lints a project that has the repository's rules and one file in `packages`. */
async function findingsFor(file: string, text: string): Promise<string[]> {
  await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  await write(join('packages', file), `${text}\n`)
  const findings = await lint(folder, [])
  return findings.map(({ code }) => code)
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}
