import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { exampleFolder, runScript } from '../support/command.ts'
import { root } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'

const work = mkdtempSync(join(tmpdir(), 'example-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}

it('an example that was copied out of the workspace installs with npm, compiles and runs', async () => {
  const app = join(work, 'my-app')
  run('pnpm', ['exec', 'turbo', 'run', 'build', '--filter=./packages/*'], root)
  run('node', ['scripts/copy-example.mjs', 'fastify', app], root)
  const manifest = readFileSync(join(app, 'package.json'), 'utf8')
  expect(manifest).not.toMatch(/workspace:|catalog:/)
  expect(JSON.parse(manifest)).toMatchObject({ name: 'my-app', private: true })
  for (const file of ['router.ts', 'README.md', 'tsconfig.json', '.gitignore'])
    expect(existsSync(join(app, file))).toBe(true)

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

it('a copy does not touch a folder with something in it, nor one that is none of the examples', () => {
  for (const args of [
    ['fastify', exampleFolder('hono')],
    ['nothing', join(work, 'other')],
    ['fastify'],
    [],
  ]) {
    expect(() =>
      execFileSync('node', ['scripts/copy-example.mjs', ...args], { cwd: root, stdio: 'ignore' }),
    ).toThrow()
  }
  expect(existsSync(join(work, 'other'))).toBe(false)
})
