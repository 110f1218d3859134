import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { type Command, runScript } from '../support/command.ts'
import { root } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'

const docs = join(root, 'docs')
const dist = join(docs, '.vitepress/dist')
const screenshots = join(import.meta.dirname, 'screenshots')

let browser: Browser
let preview: Command
let url: string
beforeAll(async () => {
  const build = runScript(docs, ['build'])
  // Broken links make the build fail.
  expect(await once(build.child, 'exit'), build.lines.items.join('\n')).toEqual([0, null])
  const port = await freePort()
  preview = runScript(docs, ['preview', '--port', `${port}`])
  await preview.says(/Built site served at/)
  url = `http://localhost:${port}`
  browser = await startChromium()
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await preview?.kill()
})

let context: BrowserContext
let page: Page
beforeEach(async () => {
  context = await browser.newContext({ colorScheme: 'light', reducedMotion: 'reduce' })
  page = await context.newPage()
})
afterEach(() => context.close())

const backgroundOf = (): Promise<string> =>
  page.evaluate(() => getComputedStyle(document.body).backgroundColor)

describe('the site of the documentation', () => {
  it('opens with a description, and links to getting started', async () => {
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(url)
    await page.getByRole('heading', { level: 1, name: 'trpc-sse' }).waitFor()
    await page.screenshot({ path: join(screenshots, 'home.png'), fullPage: true })
    await page.getByRole('link', { name: 'Get started' }).first().click()
    await page.getByRole('heading', { level: 1, name: 'Getting started' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/getting-started')
    expect(complaints).toEqual([])
  })

  it('shows code with the name of its file, and copies it', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.goto(`${url}/getting-started#the-server`)
    const block = page.locator('.file-name', { hasText: /^server\.ts$/ }).locator('+ div')
    expect(await block.locator('code').textContent()).toContain(
      'createHTTPServer({ router: appRouter',
    )
    expect(await block.locator('code span[style]').count()).toBeGreaterThan(5)
    await block.hover()
    await block.getByRole('button', { name: 'Copy Code' }).click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('.listen(3000)')
    await page.screenshot({ path: join(screenshots, 'code.png') })
  })

  it('finds a page by a word in it', async () => {
    await page.goto(url)
    await page.getByRole('button', { name: 'Search' }).first().click()
    await page.getByRole('searchbox').fill('idempotency')
    const found = page.getByRole('option').filter({ hasText: 'Channels' }).first()
    await found.waitFor()
    await page.screenshot({ path: join(screenshots, 'search.png') })
    await found.click()
    await page.getByRole('heading', { level: 1, name: 'Channels' }).waitFor()
  })

  it('is dark if the system is, or if the reader chooses it', async () => {
    await page.goto(`${url}/react`)
    const light = await backgroundOf()
    await page.getByRole('switch', { name: 'Switch to dark theme' }).first().click()
    const dark = await backgroundOf()
    expect(dark).not.toBe(light)
    await page.screenshot({ path: join(screenshots, 'dark.png') })
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.evaluate(() => localStorage.clear())
    await page.reload()
    expect(await backgroundOf()).toBe(dark)
  })

  it('fits a narrow screen, with its menu', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    for (const path of [
      '',
      'getting-started',
      'frameworks',
      'react',
      'protocol',
      'performance',
      'examples/',
    ]) {
      await page.goto(`${url}/${path}`)
      expect([path, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([
        path,
        360,
      ])
    }
    await page.screenshot({ path: join(screenshots, 'narrow.png') })
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('link', { name: 'Channels', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Channels' }).waitFor()
  })

  it('has every page in its sidebar', async () => {
    await page.goto(`${url}/getting-started`)
    const links = await page
      .locator('.VPSidebar a')
      .evaluateAll((all) => all.map((a) => a.getAttribute('href')))
    const pages = htmlFiles().map(addressOf)
    expect(pages.filter((path) => !links.includes(path) && !['/', '/404'].includes(path))).toEqual(
      [],
    )
    expect(pages.length).toBeGreaterThan(30)
  })

  it('has only links to existing pages and headings', () => {
    const anchors = new Map(htmlFiles().map((file) => [addressOf(file), valuesOf(file, 'id')]))
    const broken = htmlFiles().flatMap((file) =>
      valuesOf(file, 'href')
        .filter((href) => /^[/#]/.test(href) && !/\.\w+$/.test(href))
        .filter((href) => {
          const [path = '', anchor] = href.split('#')
          const ids = anchors.get(path === '' ? addressOf(file) : path)
          return !ids || (anchor !== undefined && !ids.includes(decodeURIComponent(anchor)))
        })
        .map((href) => `${addressOf(file)}: ${href}`),
    )
    expect(broken).toEqual([])
  })
})

function htmlFiles(): string[] {
  return globSync('**/*.html', { cwd: dist })
}

/** The address of a built page. */
function addressOf(file: string): string {
  return `/${file.replace(/(^|(?<=\/))index\.html$|\.html$/, '')}`
}

function valuesOf(file: string, attribute: string): string[] {
  const html = readFileSync(join(dist, file), 'utf8')
  return [...html.matchAll(new RegExp(` ${attribute}="([^"]*)"`, 'g'))].map(
    ([, value = '']) => value,
  )
}
