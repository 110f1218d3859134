import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The repository's root. */
export const root: string = resolve(import.meta.dirname, '../..')

/** A page of documentation. */
export interface Page {
  /** Its path from the root, with slashes. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** The pages whose files this page's code imports: `<!-- uses: other.md -->`. */
  readonly uses: readonly string[]
}

/** A fenced block of code. */
export interface Block {
  readonly language: string
  readonly code: string
  /**
   * The file that it is part of, from `<!-- file: server.ts -->` before the block. Blocks with the
   * same file continue it. A block without a file name is a separate file.
   */
  readonly file: string
}

/** Reads every page that is written for readers. */
export function readPages(): readonly Page[] {
  const projects = ['packages', 'apps', 'examples'].flatMap((folder) => [
    folder,
    ...readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name)),
  ])
  const folders = ['.', ...filesIn('docs', /\.md$/).map(dirname), ...projects, 'bench']
  const paths = [...new Set(folders)].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  )
  return paths.map(readPage)
}

/** Returns the files below a folder whose names match, as paths from the root. */
export function filesIn(folder: string, name: RegExp): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(path, name)
    return name.test(entry.name) ? [path] : []
  })
}

/** Reads one page. */
export function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8')
  const found = text.matchAll(/(?:<!-- file: (\S+) -->\n+)?^```(\w+)\n([\s\S]*?)^```$/gm)
  const blocks = [...found].map(([, file, language = '', code = ''], i) => ({
    language,
    code,
    file: file ?? `block-${i + 1}.${language}`,
  }))
  const uses = [...text.matchAll(/<!-- uses: (\S+) -->/g)].map(([, page = '']) =>
    join(dirname(path), page),
  )
  return { path, text, blocks, uses }
}

/** Returns the code files of a page, with those of the pages that it uses. */
export function filesOf(page: Page): ReadonlyMap<string, string> {
  const files = new Map(page.uses.flatMap((used) => [...filesOf(readPage(used))]))
  const own = new Map<string, string>()
  for (const { language, code, file } of page.blocks) {
    if (/^[jt]sx?$/.test(language)) own.set(file, (own.get(file) ?? '') + code)
  }
  return new Map([...files, ...own])
}
