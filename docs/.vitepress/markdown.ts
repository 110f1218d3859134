import { dirname, join, relative } from 'node:path'
import type { MarkdownOptions } from 'vitepress'
import { addressOf, pageAt, root } from './pages.ts'

type Markdown = Parameters<NonNullable<MarkdownOptions['config']>>[0]
type State = Parameters<Parameters<Markdown['core']['ruler']['push']>[1]>[0]

/** Published READMEs link to the repository. On the site, these links also lead to its pages. */
const repository = 'https://github.com/trpc-sse/trpc-sse/'

/** Returns the anchor of a heading as GitHub builds it, so that links work in both places. */
export function slugify(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** Adapts Markdown that is written for the repository. */
export function readRepositoryMarkdown(markdown: Markdown): void {
  markdown.core.ruler.push('repository-links', linkWithinSite)
  markdown.core.ruler.push('file-names', showFileNames)
}

/** Points links between files at pages of the site. A link to any other file becomes text. */
function linkWithinSite({ tokens, env }: State): void {
  const folder = dirname(relative(root, env.realPath ?? env.path))
  for (const { children } of tokens) {
    let isPlain = false
    for (const token of children ?? []) {
      if (token.type === 'link_close' && isPlain) {
        token.tag = 'span'
        isPlain = false
      }
      const href = token.type === 'link_open' ? token.attrGet('href') : null
      const inRepository = href?.startsWith(repository) === true
      if (href === null || (!inRepository && /^(#|\/|[a-z]+:)/.test(href))) continue
      const [, file = '', anchor = ''] = /^([^#]*)(.*)$/.exec(href) ?? []
      const path = inRepository
        ? file.slice(repository.length).replace(/^(blob|tree)\/main\//, '')
        : join(folder, decodeURI(file))
      const page = pageAt(path)
      if (page !== undefined) token.attrSet('href', `/${addressOf(page)}${anchor}`)
      else {
        isPlain = true
        token.tag = 'span'
        token.attrs = [['title', path]]
      }
    }
  }
}

/** Shows the file name of a code block: `<!-- file: server.ts -->` before it. */
function showFileNames({ tokens }: State): void {
  for (const [i, token] of tokens.entries()) {
    const [, file] = /^<!-- file: (\S+) -->/.exec(token.content) ?? []
    if (token.type !== 'html_block' || file === undefined || tokens[i + 1]?.type !== 'fence')
      continue
    token.content = `<p class="file-name">${file}</p>\n`
  }
}
