import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { page } from './page-text.ts'

it('the committed page is the one that its sources make', async () => {
  const script = new URL('../../scripts/bundle-inspector-page.mjs', import.meta.url).href
  const { bundlePage }: { bundlePage(): Promise<string> } = await import(script)
  const committed = await readFile(join(import.meta.dirname, 'page-text.ts'), 'utf8')
  // If it differs: node packages/server/scripts/bundle-inspector-page.mjs
  expect(committed === (await bundlePage())).toBe(true)
})

it('the page writes no HTML, and loads nothing', () => {
  expect(page).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/)
  expect(page).not.toMatch(/https?:\/\//)
  expect(page.length).toBeLessThan(40_000)
})
