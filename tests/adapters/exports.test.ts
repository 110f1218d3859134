import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/pages.ts'

/** tRPC's adapters that have a counterpart of the same name here. */
const entries = ['express', 'fastify', 'fetch', 'next', 'node-http', 'standalone'] as const

/** The manifests of both versions of tRPC that the tests run with. */
const versions = ['tests/package.json', 'tests/next/package.json'].map((file) =>
  createRequire(join(root, file)),
)

/** Returns the names that a module or its declaration exports, including types. */
function exportedNames(source: string): string[] {
  const declared = source.matchAll(
    /^export (?:declare )?(?:async )?(?:const|function|type|interface|class) (\w+)/gm,
  )
  const listed = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    list.split(',').map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/^.* as /, ''),
    ),
  )
  return [...[...declared].map(([, name = '']) => name), ...listed]
    .filter((name) => name !== '')
    .toSorted()
}

describe.each(entries)('adapters/%s', (entry) => {
  const ours = exportedNames(
    readFileSync(join(root, `packages/server/src/adapters/${entry}.ts`), 'utf8'),
  )

  it.each(versions)('exports every type and value that tRPC’s does', async (require) => {
    const module = require.resolve(`@trpc/server/adapters/${entry}`)
    const declaration = readFileSync(module.replace(/\.\w+$/, '.d.cts'), 'utf8')
    const theirs = exportedNames(declaration)
    expect(theirs.length).toBeGreaterThan(1)
    expect(theirs.filter((name) => !ours.includes(name))).toEqual([])
  })

  it('exports every value that tRPC’s does, at run time', async () => {
    const require = createRequire(import.meta.url)
    const module = require.resolve(`@trpc/server/adapters/${entry}`).replace(/\.cjs$/, '.mjs')
    const theirs: object = await import(module)
    const values: object = await import(require.resolve(`@trpc-sse/server/adapters/${entry}`))
    expect(Object.keys(values)).toEqual(expect.arrayContaining(Object.keys(theirs)))
  })
})
