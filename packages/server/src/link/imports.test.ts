import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Returns the imports of a file at run time, without `import type` lines and dynamic imports. */
async function staticImports(file: string): Promise<string[]> {
  const source = await readFile(file, 'utf8')
  const statements = source.matchAll(
    /^(?:import|export)\s(?!type\s)[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm,
  )
  return [...statements].map(([, from, bare]) => from ?? bare ?? '')
}

describe('the adapters', () => {
  const files = readdirSync(join(root, 'adapters')).filter((file) => !/\.test(-d)?\.ts$/.test(file))

  it.each(files)(
    '%s imports only modules that a third party could import, and has at most 65 lines',
    async (file) => {
      const source = await readFile(join(root, 'adapters', file), 'utf8')
      const names = [...source.matchAll(/\b(?:from|import\()\s*'([^']+)'/g)].map(
        ([, name = '']) => name,
      )
      for (const name of names)
        expect(name).toMatch(
          /^(\.\.\/index\.ts|\.\/[\w-]+\.ts|node:http|@trpc\/server.*|express|fastify)$/,
        )
      expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(65)
    },
  )

  it.each(['express.ts', 'fastify.ts'])('%s needs no framework at run time', async (file) => {
    const names = await staticImports(join(root, 'adapters', file))
    expect(names.filter((name) => name === 'express' || name === 'fastify')).toEqual([])
  })
})
