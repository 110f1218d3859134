import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

/** What a file imports at run time: not its `import type` lines, nor what is imported when it is called. */
async function staticImports(file: string): Promise<string[]> {
  const source = await readFile(file, 'utf8')
  const statements = source.matchAll(
    /^(?:import|export)\s(?!type\s)[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm,
  )
  return [...statements].map(([, from, bare]) => from ?? bare ?? '')
}

/** Everything that is loaded with a file of this package: its own files, and the names of what is not its own. */
async function loadedWith(entry: string): Promise<{ files: string[]; packages: string[] }> {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = async (file: string): Promise<void> => {
    if (files.has(file)) return
    files.add(file)
    for (const name of await staticImports(file)) {
      if (name.startsWith('.')) await visit(join(dirname(file), name))
      else packages.add(name)
    }
  }
  await visit(join(root, entry))
  return { files: [...files].map((file) => relative(root, file)), packages: [...packages] }
}

describe('what runs outside Node', () => {
  it.each(['index.ts', 'adapters/fetch.ts'])('%s loads nothing of node:', async (entry) => {
    const { files, packages } = await loadedWith(entry)
    expect(files).toContain(join('link', 'fetch', 'writer.ts'))
    expect(files.every((file) => existsSync(join(root, file)))).toBe(true)
    expect(packages.toSorted()).toEqual([
      '@trpc-sse/protocol',
      '@trpc/server',
      '@trpc/server/http',
      '@trpc/server/observable',
      '@trpc/server/rpc',
    ])
  })
})

describe('the adapters', () => {
  const files = readdirSync(join(root, 'adapters')).filter((file) => !/\.test(-d)?\.ts$/.test(file))

  it.each(files)('%s imports what anybody could import, and has at most 65 lines', async (file) => {
    const source = await readFile(join(root, 'adapters', file), 'utf8')
    const names = [...source.matchAll(/\b(?:from|import\()\s*'([^']+)'/g)].map(
      ([, name = '']) => name,
    )
    for (const name of names)
      expect(name).toMatch(
        /^(\.\.\/index\.ts|\.\/[\w-]+\.ts|node:http|@trpc\/server.*|express|fastify)$/,
      )
    expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(65)
  })

  it.each(['express.ts', 'fastify.ts'])('%s needs no framework at run time', async (file) => {
    const names = await staticImports(join(root, 'adapters', file))
    expect(names.filter((name) => name === 'express' || name === 'fastify')).toEqual([])
  })
})
