import { button } from './dom.ts'
import type { Page } from './page.ts'

/** Creates a button with the short form of a log's key, which opens the log. */
export function logLink(page: Page, log: string): HTMLButtonElement {
  return button(nameOfLog(log), `log ${log}`, () => page.open('channels', log), { class: 'link' })
}

/** Writes the key of a log for people: `chat {"room":"lobby"}`. */
export function nameOfLog(log: string): string {
  const [, prefix = '', json = ''] = /^(~\w*)?(.*)$/s.exec(log) ?? []
  try {
    const [name, ...params]: unknown[] = JSON.parse(json)
    const text = [String(name), ...params.map((each) => JSON.stringify(each))].join(' ')
    return prefix === '~presence' ? `presence of ${text}` : text
  } catch {
    return log
  }
}
