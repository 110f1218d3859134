import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { initTRPC } from '@trpc/server'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const app = `
  export { channel, createChannels, createServerLink, memoryBackend } from '@trpc-sse/server'
  export { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
`

type Platform = Pick<BuildOptions, 'platform' | 'conditions'>

/** Bundles the app. Returns the bundle's file, the files in it, and its remaining imports. */
async function bundle(name: string, options: Platform) {
  const outfile = join(folder, `${name}.mjs`)
  const { metafile } = await build({
    stdin: { contents: app, resolveDir: import.meta.dirname },
    outfile,
    bundle: true,
    format: 'esm',
    metafile: true,
    mainFields: ['module', 'main'],
    external: ['node:*'],
    ...options,
  })
  const outputs = Object.values(metafile.outputs)
  return {
    outfile,
    files: outputs.flatMap(({ inputs }) => Object.keys(inputs)),
    imports: outputs.flatMap(({ imports }) => imports.map(({ path }) => path)),
  }
}

/** Options with which packages resolve as in the bundlers of these platforms. */
const platforms: ReadonlyArray<readonly [name: string, options: Platform]> = [
  ['workers', { platform: 'browser', conditions: ['workerd', 'worker', 'browser'] }],
  ['web-worker', { platform: 'neutral', conditions: ['worker'] }],
  ['edge', { platform: 'neutral', conditions: ['edge-light', 'worker'] }],
  ['deno', { platform: 'neutral', conditions: ['deno'] }],
  ['unknown', { platform: 'neutral' }],
]

describe('a bundle of the server link and the fetch adapter', () => {
  it.each(platforms)('contains no code for Node for %s', async (name, options) => {
    const { files, imports } = await bundle(name, options)
    expect(imports).toEqual([])
    expect(
      files.filter((file) => /\/link\/node\/|adapters\/node-http|node-http-/.test(file)),
    ).toEqual([])
    expect(files.some((file) => file.endsWith('link/fetch/fetch.ts'))).toBe(true)
  })

  it('says what to do if link.node is called without Node', async () => {
    const { outfile } = await bundle('called', { platform: 'neutral' })
    const { createServerLink } = await import(pathToFileURL(outfile).href)
    const link = createServerLink({ router: initTRPC.create().router({}) })
    const failure = { code: 'INVALID_OPTION', message: expect.stringContaining('link.fetch()') }
    await expect(link.node({}, {})).rejects.toMatchObject(failure)
    await expect(link.isForStream({})).rejects.toMatchObject(failure)
  })

  it('serves requests of node:http if it is for Node', async () => {
    const { files } = await bundle('node', { platform: 'node' })
    expect(files.some((file) => file.endsWith('link/node/node.ts'))).toBe(true)
  })
})
