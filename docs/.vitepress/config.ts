import { join } from 'node:path'
import { defineConfig } from 'vitepress'
import { home } from './home.ts'
import { readRepositoryMarkdown, slugify } from './markdown.ts'
import { addressOf, excluded } from './pages.ts'
import { sidebar } from './sidebar.ts'

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%232a4fd6'/%3E%3Cpath d='M3 8h3l1.5-4 2 8L11 8h2' fill='none' stroke='white' stroke-width='1.4' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"

export default defineConfig({
  title: 'trpc-sse',
  description:
    'Real-time subscriptions for tRPC v11: every event once, in order, or an honest gap.',
  srcDir: '..',
  srcExclude: excluded,
  rewrites: addressOf,
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: icon }]],
  markdown: {
    anchor: { slugify },
    toc: { slugify },
    headers: { slugify },
    config: readRepositoryMarkdown,
  },
  transformPageData: ({ relativePath, frontmatter }) =>
    relativePath === 'index.md' ? { frontmatter: { ...frontmatter, ...home } } : undefined,
  vite: {
    plugins: [
      {
        // Pages are components, and pages outside of this folder must find Vue, too.
        name: 'vue-of-the-site',
        enforce: 'pre',
        resolveId(source) {
          if (!/^vue(\/|$)/.test(source)) return null
          return this.resolve(source, join(import.meta.dirname, 'config.ts'), { skipSelf: true })
        },
        // VitePress resolves these from the root, where it isn't installed. Vite finds them from
        // its files.
        configResolved({ optimizeDeps }) {
          optimizeDeps.include =
            optimizeDeps.include?.filter((name) => !name.startsWith('vitepress > ')) ?? []
        },
      },
    ],
  },
  themeConfig: {
    nav: [
      { text: 'Get started', link: '/getting-started' },
      { text: 'Frameworks', link: '/frameworks' },
      { text: 'Examples', link: '/examples/' },
      { text: 'Protocol', link: '/protocol' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
    docFooter: { prev: false, next: false },
  },
})
