import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdapterCaseContext, type AdapterServer, adapterCases, canServe } from '@trpc-sse/server/testing'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const source = join(import.meta.dirname, 'runtimes')
const programs = join(import.meta.dirname, '../node_modules/.bin')
const folder = mkdtempSync(join(tmpdir(), 'runtimes-'))

/** What runs the app of the cases, each a program of its own that prints its port. */
const runtimes = [
  { name: 'Bun', command: ['bun', 'bun.js'] },
  // tRPC asks for NODE_ENV.
  { name: 'Deno', command: ['deno', 'run', '--allow-net=127.0.0.1', '--allow-env=NODE_ENV', 'deno.js'] },
  { name: 'workerd', command: ['workerd', 'serve', 'config.capnp', '--control-fd=1'] },
] as const

beforeAll(async () => {
  await build({
    entryPoints: ['bun', 'deno', 'worker'].map((name) => join(source, `${name}.ts`)),
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    // Only loaded for a Node request.
    external: ['node:*', '@trpc/server/adapters/node-http'],
  })
  copyFileSync(join(source, 'config.capnp'), join(folder, 'config.capnp'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function serve([program, ...args]: readonly [string, ...string[]]): Promise<AdapterServer> {
  const child = spawn(join(programs, program), args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  // A test that dies must not leave its server behind.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit').then(() => process.off('exit', kill))
  const origin = `http://127.0.0.1:${await printedPort(child)}`
  return {
    url: `${origin}/trpc`,
    drain: async () => void (await (await fetch(`${origin}/drain`, { method: 'POST' })).text()),
    async close() {
      kill()
      await exited
    },
  }
}

function printedPort({ stdout, stderr }: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    stderr?.on('data', (chunk: Buffer) => {
      said += chunk
    })
    stdout?.on('data', (chunk: Buffer) => {
      said += chunk
      const [, port] = /(?:^|"port":)(\d+)/.exec(said) ?? []
      if (port !== undefined) resolve(port)
    })
    stdout?.once('close', () => reject(new Error(`It ended: ${said}`)))
  })
}

it('the app and the fetch adapter import nothing of Node', () => {
  const text = readFileSync(join(folder, 'worker.js'), 'utf8')
  const imported = [...text.matchAll(/^import\b.*|\bimport\(([^)]*)\)/gm)].map(([all, name]) => name ?? all)
  expect(imported).toEqual(['"@trpc/server/adapters/node-http"'])
})

describe.each(runtimes)('the fetch adapter on $name', ({ command }) => {
  const context: AdapterCaseContext = { extras: [], serve: () => serve(command) }
  for (const adapterCase of adapterCases) {
    it.runIf(canServe(context, adapterCase))(`${adapterCase.about}: ${adapterCase.name}`, () =>
      adapterCase.run(context),
    )
  }
})
