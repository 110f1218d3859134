import type { TimelineEntry } from '../record/records.ts'
import type { PanelChoices, PanelContext, View } from './context.ts'
import { type Elements, setText } from './elements.ts'
import { createEntryRow } from './entry-row.ts'
import { type Row, Rows } from './rows.ts'
import { matches } from './subscription-list.ts'

/** The list of what has happened, newest first. */
export function createTimelineList(
  { recorder }: PanelContext,
  choices: PanelChoices,
  elements: Elements,
  onChoice: () => void,
): View {
  const rows = new Rows<TimelineEntry>({
    elements,
    label: 'Timeline',
    create: (entry) => createRow(entry, elements),
  })
  const title = elements.create('span', { class: 'title' })
  const all = elements.button('Show all', () => {
    choices.selected = undefined
    onChoice()
  })
  const bar = elements.create('div', { class: 'bar', children: [title, all] })
  return {
    element: elements.create('div', { children: [bar, rows.element] }),
    render() {
      const { selected } = choices
      bar.hidden = !selected
      if (selected) setText(title, `${selected.path} ${selected.input}`)
      const hasNone = recorder.timeline.size === 0
      rows.render(
        entriesFor(recorder.timeline.newestFirst(), choices),
        hasNone ? 'Nothing has happened yet.' : 'No entry matches.',
      )
    },
  }
}

function* entriesFor(
  entries: Iterable<TimelineEntry>,
  choices: PanelChoices,
): Generator<TimelineEntry> {
  for (const entry of entries) {
    const { subscription, kind, text } = entry
    if (choices.selected && subscription !== choices.selected) continue
    const isFound =
      kind.includes(choices.filter) ||
      text.toLowerCase().includes(choices.filter) ||
      (subscription !== undefined && matches(subscription, choices))
    if (isFound) yield entry
  }
}

function createRow(entry: TimelineEntry, elements: Elements): Row<unknown> {
  const { at, kind, subscription, id, text } = entry
  const { path = '', input = '' } = subscription ?? {}
  const lines = (): readonly string[] => [
    input && `input: ${input}`,
    id === undefined ? '' : `id: ${id}`,
    text,
  ]
  return createEntryRow({ at, kind, title: path, text, lines }, elements)
}
