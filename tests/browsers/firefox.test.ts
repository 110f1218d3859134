import { describe } from 'vitest'
import { hiddenCase, oneStreamCases, resumeCases } from '../multiplexed/page-cases.ts'
import { useBrowser } from '../support/browsers/browser.ts'
import { openFirefox } from '../support/browsers/puppeteer.ts'
import { tabCases } from '../tabs/tab-cases.ts'
import { useTabs } from '../tabs/tabs.ts'

describe('Firefox', () => {
  const browser = useBrowser(openFirefox)

  describe('a page', () => {
    oneStreamCases(browser)
    resumeCases(browser)
    hiddenCase(browser)
  })

  describe('three tabs', () => tabCases(useTabs(browser), 3))
})
