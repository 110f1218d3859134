import type { TimelineEntry } from '../record/records.ts'
import type { PanelChoices, PanelContext, View } from './context.ts'
import { type Elements, setText, timeOfDay } from './elements.ts'
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
  const pause = elements.button('Pause', () => {
    choices.isPaused = !choices.isPaused
    onChoice()
  })
  const all = elements.button('Show all', () => {
    choices.selected = undefined
    onChoice()
  })
  const title = elements.create('span', { class: 'title' })
  const bar = elements.create('div', { class: 'bar', children: [title, all, pause] })
  /** The subscription whose entries are in the list while it is paused. */
  let shown: PanelChoices['selected'] | null = null
  return {
    element: elements.create('div', { children: [bar, rows.element] }),
    render() {
      const { selected, isPaused } = choices
      setText(title, selected ? `${selected.path} ${selected.input}` : 'All subscriptions')
      all.hidden = !selected
      pause.setAttribute('aria-pressed', `${isPaused}`)
      if (isPaused && shown === selected) return
      shown = selected
      rows.render(entriesFor(recorder.timeline.newestFirst(), choices), 'Nothing has happened yet.')
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

function createRow(entry: TimelineEntry, elements: Elements): Row<TimelineEntry> {
  const { at, kind, subscription, text } = entry
  const summary = elements.create('summary', {
    children: [
      elements.create('time', { text: timeOfDay(at) }),
      elements.create('span', { class: 'kind', text: kind, attributes: { 'data-kind': kind } }),
      elements.create('b', { text: subscription?.path ?? '' }),
      elements.create('code', { text }),
    ],
  })
  const details = elements.create('details', { children: [summary] })
  const open = (): void => details.append(elements.create('pre', { text: wholeText(entry) }))
  details.addEventListener('toggle', open, { once: true })
  return { element: elements.create('li', { children: [details] }), update() {} }
}

function wholeText({ subscription, id, text }: TimelineEntry): string {
  const lines = [subscription?.input && `input: ${subscription.input}`, id && `id: ${id}`, text]
  return lines.filter((line) => line).join('\n')
}
