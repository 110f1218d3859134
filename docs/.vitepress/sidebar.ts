import { globSync } from 'node:fs'
import type { DefaultTheme } from 'vitepress'
import { addressOf, root, titleOf } from './pages.ts'

const groups: Readonly<Record<string, readonly string[]>> = {
  Start: ['docs/getting-started.md', 'docs/frameworks.md', 'docs/recipes.md', 'docs/commonjs.md'],
  Guide: [
    'docs/channels.md',
    'docs/resume-and-gaps.md',
    'docs/client-link.md',
    'docs/react.md',
    'docs/react-native.md',
    'docs/devtools.md',
    'docs/ai.md',
    'docs/server-link.md',
    'docs/auth.md',
  ],
  'In production': [
    'docs/redis.md',
    'docs/proxies.md',
    'docs/inspector.md',
    'docs/cli.md',
    'docs/capacity.md',
    'docs/performance.md',
  ],
  Migrating: ['docs/migrating.md', ...pagesAt('docs/migrating-from-*.md')],
  Examples: [
    'examples/README.md',
    ...pagesAt('examples/*/README.md'),
    ...pagesAt('apps/*/README.md'),
  ],
  Reference: [
    'docs/glossary.md',
    'packages/protocol/PROTOCOL.md',
    ...pagesAt('packages/*/README.md'),
    'CHANGELOG.md',
  ],
}
const forContributors = ['CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md']
const decisions = pagesAt('docs/decisions/*.md')

/** Returns all pages in reading order. Their names are their titles. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  const known = new Set(Object.values(groups).flat())
  // A new page without a group is listed, too.
  const others = pagesAt('docs/*.md').filter((page) => !known.has(page) && page !== 'docs/index.md')
  return [
    ...Object.entries({ ...groups, ...(others.length > 0 && { More: others }) }).map(
      ([text, pages]) => ({
        text,
        items: pages.map(itemFor),
      }),
    ),
    {
      text: 'For contributors',
      items: [
        ...forContributors.map(itemFor),
        { text: 'Decisions', collapsed: true, items: decisions.map(itemFor) },
      ],
    },
  ]
}

function itemFor(page: string): DefaultTheme.SidebarItem {
  return { text: titleOf(page), link: `/${addressOf(page).replace(/(index)?\.md$/, '')}` }
}

function pagesAt(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: root }).sort()
}
