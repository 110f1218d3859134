import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleFolder, runScript } from '../support/command.ts'
import { root } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'

const work = mkdtempSync(join(tmpdir(), 'example-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
}

const copies = [
  { name: 'ai-chat', source: exampleFolder('ai-chat'), output: 'dist' },
  { name: 'express-react', source: exampleFolder('express-react'), output: 'dist' },
  { name: 'fastify', source: exampleFolder('fastify') },
  { name: 'hono', source: exampleFolder('hono') },
  { name: 'outbox', source: exampleFolder('outbox') },
  { name: 'redis-two-servers', source: exampleFolder('redis-two-servers') },
  { name: 'next', source: join(root, 'apps/next'), output: '.next/cache' },
]
const copyOf = (name: string): string => join(work, `my-${name}`)

/** Copies an example as `npm run example` does after it has installed and built everything. */
function copyExample(...args: readonly string[]): void {
  run(process.execPath, ['scripts/copy-example.mjs', ...args], root)
}

beforeAll(() => {
  for (const [index, { name, source, output }] of copies.entries()) {
    // A file that a build has left behind.
    const built = output && join(source, output, 'built.js')
    if (built) mkdirSync(dirname(built), { recursive: true })
    if (built) writeFileSync(built, '')
    try {
      if (index === 0) run('npm', ['run', 'example', name, copyOf(name)], root)
      else copyExample(name, copyOf(name))
    } finally {
      if (built) rmSync(built, { force: true })
    }
  }
}, 240_000)

/** The files that commands create in an app's folder. */
const made = /^(node_modules|vendor|dist|\.(?!gitignore$).*|next-env\.d\.ts|.*\.tsbuildinfo)$/

/** Returns the source files of an app, in order. */
function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !made.test(name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? sourcesIn(join(folder, entry.name)).map((file) => join(entry.name, file))
        : entry.name,
    )
    .sort()
}

describe.each(copies)('the copy of $name', ({ name, source }) => {
  const app = copyOf(name)

  it('has the files of the example, and no build output', () => {
    expect(readdirSync(app).filter((entry) => made.test(entry))).toEqual(['vendor'])
    expect(sourcesIn(app)).toEqual(
      [...new Set([...sourcesIn(source), '.gitignore', 'LICENSE'])].sort(),
    )
    expect(readFileSync(join(app, '.gitignore'), 'utf8')).toMatch(/^node_modules\/\n/)
  })

  it('has a manifest that works outside the workspace', () => {
    const manifest = readFileSync(join(app, 'package.json'), 'utf8')
    expect(manifest).not.toMatch(/workspace:|catalog:/)
    expect(JSON.parse(manifest)).toMatchObject({ name: `my-${name}`, private: true })
    const own = Object.entries<string>(JSON.parse(manifest).dependencies).filter(([dependency]) =>
      dependency.startsWith('@trpc-sse/'),
    )
    expect(own.length).toBeGreaterThan(0)
    for (const [, version] of own)
      expect(existsSync(join(app, version.slice('file:'.length)))).toBe(true)
  })

  it('has no link to a file outside', () => {
    const out = sourcesIn(app).flatMap((file) => {
      const text = readFileSync(join(app, file), 'utf8')
      return [...text.matchAll(/(?:\]\(|['"])(\.\.?\/[^)'"]*)/g)]
        .map(([, link = '']) => relative(app, resolve(app, dirname(file), link)))
        .filter((path) => path.startsWith('..'))
    })
    expect(out).toEqual([])
  })
})

it('an example copied out of the workspace installs with npm, compiles and runs', async () => {
  const app = copyOf('fastify')
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], app)
  run('npm', ['run', 'typecheck'], app)
  const PORT = `${await freePort()}`
  const PATH = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
  await using server = runScript(app, ['start'], { PORT, PATH })
  await server.says(/http:\/\/.*:\d+/)
  await using inbox = runScript(app, ['inbox'], { PORT, PATH, TOKEN: 'token-of-ann' })
  expect(await inbox.lines.take()).toBe('(live)')
  const sending = runScript(app, ['send', 'ann', 'Hello!'], { PORT, PATH, TOKEN: 'token-of-bob' })
  expect(await once(sending.child, 'exit')).toEqual([0, null])
  expect(await inbox.lines.take()).toBe('bob: Hello!')
}, 240_000)

it('copying refuses a folder that is not empty, and an unknown example', () => {
  for (const args of [
    ['fastify', exampleFolder('hono')],
    ['nothing', join(work, 'other')],
    ['fastify'],
    [],
  ]) {
    expect(() => copyExample(...args)).toThrow(/ is not empty\.|Usage: /)
  }
  expect(existsSync(join(work, 'other'))).toBe(false)
})
