import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AdapterCaseContext,
  type AdapterServer,
  adapterCases,
  canServe,
} from '@trpc-sse/server/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleServer } from '../support/bundle.ts'
import { startProgram } from '../support/program.ts'

const source = join(import.meta.dirname, 'runtimes')
const programs = join(import.meta.dirname, '../node_modules/.bin')
const folder = mkdtempSync(join(tmpdir(), 'runtimes-'))

/** The runtimes that run the cases' app. Each is a program that prints its port. */
const runtimes = [
  { name: 'Bun', command: ['bun', 'bun.js'] },
  // tRPC reads NODE_ENV.
  {
    name: 'Deno',
    command: ['deno', 'run', '--allow-net=127.0.0.1', '--allow-env=NODE_ENV', 'deno.js'],
  },
  { name: 'workerd', command: ['workerd', 'serve', 'config.capnp', '--control-fd=1'] },
] as const

beforeAll(async () => {
  const entryPoints = ['bun', 'deno', 'worker'].map((name) => join(source, `${name}.ts`))
  await bundleServer({ entryPoints, outdir: folder })
  copyFileSync(join(source, 'config.capnp'), join(folder, 'config.capnp'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function serve([name, ...args]: readonly [string, ...string[]]): Promise<AdapterServer> {
  const program = startProgram(join(programs, name), args, { cwd: folder })
  const origin = `http://127.0.0.1:${await program.says(/(?<=^|"port":)\d+/)}`
  return {
    url: `${origin}/trpc`,
    drain: async () => void (await (await fetch(`${origin}/drain`, { method: 'POST' })).text()),
    close: program.kill,
  }
}

it('the app and the fetch adapter import nothing of Node', () => {
  const text = readFileSync(join(folder, 'worker.js'), 'utf8')
  expect(text.match(/^import\b.*|\bimport\([^)]*\)/gm)).toBeNull()
})

describe.each(runtimes)('the fetch adapter on $name', ({ command }) => {
  const context: AdapterCaseContext = { extras: [], serve: () => serve(command) }
  for (const adapterCase of adapterCases) {
    it.runIf(canServe(context, adapterCase))(`${adapterCase.about}: ${adapterCase.name}`, () =>
      adapterCase.run(context),
    )
  }
})
