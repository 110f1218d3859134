import { type Elements, timeOfDay } from './elements.ts'
import type { Row } from './rows.ts'

/** What a row of a list of steps or frames shows. */
export interface EntryFacts {
  /** In milliseconds since 1970. */
  readonly at: number
  readonly kind: string
  readonly title: string
  readonly text: string
  /** What is shown when the row is opened. Empty lines are left out. */
  readonly lines: () => readonly string[]
}

/** Creates a row that never changes, and can be opened. */
export function createEntryRow(facts: EntryFacts, elements: Elements): Row<unknown> {
  const { at, kind, title, text } = facts
  const summary = elements.create('summary', {
    children: [
      elements.create('time', { text: timeOfDay(at) }),
      elements.create('span', { class: 'kind', text: kind, attributes: { 'data-kind': kind } }),
      elements.create('b', { text: title }),
      elements.create('code', { text }),
    ],
  })
  const details = elements.create('details', { children: [summary] })
  const open = (): void => {
    const lines = facts.lines().filter((line) => line !== '')
    details.append(elements.create('pre', { text: lines.join('\n') }))
  }
  details.addEventListener('toggle', open, { once: true })
  return { element: elements.create('li', { children: [details] }), update() {} }
}
