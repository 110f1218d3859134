import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The repository's root. Pages are in many of its folders, and their links are paths on disk. */
export const root: string = join(import.meta.dirname, '../..')

/** Files that aren't pages of the site. The README has the same content as the home page. */
export const excluded: string[] = [
  'README.md',
  'tests/**',
  'scripts/**',
  '**/.*/**',
  '**/screenshots/**',
]

/** Returns the address on the site for a page of the repository. */
export function addressOf(path: string): string {
  if (path === 'packages/protocol/PROTOCOL.md') return 'protocol.md'
  return path
    .replace(/^docs\//, '')
    .replace(/^(examples|packages|apps)\/([\w-]+)\/README\.md$/, '$1/$2.md')
    .replace(/^bench\/README\.md$/, 'bench.md')
    .replace(/(^|\/)README\.md$/, '$1index.md')
    .replace(/^[A-Z]+\.md$/, (name) => name.toLowerCase())
}

/** Returns the title of a page: its first heading, as plain text. */
export function titleOf(path: string): string {
  const [, title = path] = /^# (.+)$/m.exec(readFileSync(join(root, path), 'utf8')) ?? []
  return title.replaceAll('`', '')
}

/**
 * Returns the page at a path of the repository, or the README of the folder there; `undefined` for
 * anything that isn't on the site.
 */
export function pageAt(path: string): string | undefined {
  if (path === 'README.md') return 'docs/index.md'
  if (path.startsWith('tests/')) return undefined
  return [path, join(path, 'README.md')].find(
    (page) => page.endsWith('.md') && existsSync(join(root, page)),
  )
}
