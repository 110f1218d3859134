import { describe } from 'vitest'
import { broughtBackCase, oneStreamCases, resumeCases } from '../multiplexed/page-cases.ts'
import { useBrowser } from '../support/browsers/browser.ts'
import { openWebKit } from '../support/browsers/webkit.ts'
import { broughtBackTabCase, tabCases } from '../tabs/tab-cases.ts'
import { useTabs } from '../tabs/tabs.ts'

describe('WebKit', () => {
  const browser = useBrowser(openWebKit)

  describe('a page', () => {
    oneStreamCases(browser)
    resumeCases(browser)
    broughtBackCase(browser)
  })

  describe('three tabs', () => {
    const tabs = useTabs(browser)
    tabCases(tabs, 3)
    broughtBackTabCase(tabs, 3)
  })
})
