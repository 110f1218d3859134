import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The repository's root: pages come from all over it, and links between them stay as they are on disk. */
export const root: string = join(import.meta.dirname, '../..')

/** What of the repository is no page of the site: its README is what the home page says, too. */
export const excluded: string[] = [
  'README.md',
  'tests/**',
  'scripts/**',
  '**/.*/**',
  '**/screenshots/**',
]

/** Where a page of the repository is on the site. */
export function addressOf(path: string): string {
  if (path === 'packages/protocol/PROTOCOL.md') return 'protocol.md'
  return path
    .replace(/^docs\//, '')
    .replace(/^(examples|packages|apps)\/([\w-]+)\/README\.md$/, '$1/$2.md')
    .replace(/^bench\/README\.md$/, 'bench.md')
    .replace(/(^|\/)README\.md$/, '$1index.md')
    .replace(/^[A-Z]+\.md$/, (name) => name.toLowerCase())
}

/** The title of a page: its first heading, as plain text. */
export function titleOf(path: string): string {
  const [, title = path] = /^# (.+)$/m.exec(readFileSync(join(root, path), 'utf8')) ?? []
  return title.replaceAll('`', '')
}

/** The page that a path of the repository names, or of which it names the folder. */
export function pageAt(path: string): string | undefined {
  if (path === 'README.md') return 'docs/index.md'
  return [path, join(path, 'README.md')].find(
    (page) => page.endsWith('.md') && existsSync(join(root, page)),
  )
}
