import type { SubscriptionRecord } from '../record/records.ts'
import type { PanelChoices, PanelContext, View } from './context.ts'
import { counted, type Elements, setText, timeOfDay } from './elements.ts'
import { type Row, Rows } from './rows.ts'

/** The list of subscriptions: the running ones, then those that ended last. */
export function createSubscriptionList(
  { recorder }: PanelContext,
  choices: PanelChoices,
  elements: Elements,
  onSelect: (record: SubscriptionRecord) => void,
): View {
  const rows = new Rows<SubscriptionRecord>({
    elements,
    label: 'Subscriptions',
    create: (record) => createRow(record, elements, onSelect),
  })
  function* shown(): Generator<SubscriptionRecord> {
    for (const record of recorder.running.values()) if (matches(record, choices)) yield record
    for (const record of recorder.ended.newestFirst()) if (matches(record, choices)) yield record
  }
  return {
    element: rows.element,
    render() {
      const hasNone = recorder.running.size + recorder.ended.size === 0
      rows.render(
        shown(),
        hasNone
          ? 'No subscriptions yet. If there should be some, put devtools.link() before sseLink.'
          : 'No subscription matches the filter.',
      )
    },
  }
}

/** Whether the filter's text is in the path, the input or the status. */
export function matches(
  { path, input, status }: SubscriptionRecord,
  { filter }: PanelChoices,
): boolean {
  return (
    filter === '' ||
    path.toLowerCase().includes(filter) ||
    status.includes(filter) ||
    input.toLowerCase().includes(filter)
  )
}

function createRow(
  record: SubscriptionRecord,
  elements: Elements,
  onSelect: (record: SubscriptionRecord) => void,
): Row<SubscriptionRecord> {
  const select = elements.button(record.path, () => onSelect(record))
  select.className = 'path'
  select.title = 'Show its timeline'
  const status = elements.create('span', { class: 'status' })
  const counts = elements.create('span')
  const position = elements.create('code', { class: 'id' })
  const reason = elements.create('p', { class: 'reason' })
  const since = elements.create('span', { text: `since ${timeOfDay(record.since)}` })
  const input = elements.create('code', { class: 'input', text: record.input })
  input.title = record.input
  const head = elements.create('div', { class: 'head', children: [select, input, status] })
  const facts = elements.create('div', { class: 'facts', children: [counts, position, since] })
  return {
    element: elements.create('li', { children: [head, facts, reason] }),
    update(now) {
      status.dataset.status = now.status
      setText(status, now.status)
      setText(counts, countsOf(now))
      setText(position, now.lastEventId === undefined ? '' : `at ${now.lastEventId}`)
      const isTroubled = now.status === 'reconnecting' || now.status === 'failed'
      const last = now.reason === undefined ? '' : `last reconnect: ${now.reason}`
      setText(reason, isTroubled ? (now.reason ?? '') : last)
      reason.dataset.isCurrent = `${isTroubled}`
    },
  }
}

function countsOf({ events, gaps, reconnects }: SubscriptionRecord): string {
  const counts = [counted(events, 'event'), counted(gaps, 'gap'), counted(reconnects, 'reconnect')]
  return counts.filter((text) => text !== '').join(' · ')
}
