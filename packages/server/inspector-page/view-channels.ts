import type {
  ChannelRow,
  DefinitionRow,
  LogAnswer,
  TemplateRow,
} from '../src/inspector/messages.ts'
import { button, count, duration, h, mark, replace, since, Table, timeOfId } from './dom.ts'
import { filterField, findForm } from './fields.ts'
import { logLink, nameOfLog } from './log-link.ts'
import type { Page, View } from './page.ts'

/** The open logs of an instance, and one log as the backend has it. */
export function channelsView(page: Page, definitions: () => readonly DefinitionRow[]): View {
  let selected: string | undefined
  const filter = filterField('Filter by name or params', page.refresh)
  const find = findForm(definitions, (name, params) =>
    page.act(async () => {
      const found = await page.ask({ type: 'find', name, params })
      choose(found.log)
      return undefined
    }),
  )
  const templates = new Table<TemplateRow>('Definitions with open logs', templateColumns, {
    keyOf: ({ name }) => name,
    empty: 'Nobody reads a channel on this instance.',
  })
  const table = new Table<ChannelRow>(
    'Open logs, those with the most readers first',
    columns(page),
    {
      keyOf: ({ log }) => log,
      empty: 'No open log. An event is stored without readers too: look its log up above.',
    },
  )
  const panel = h('section', { class: 'panel', hidden: true })
  const element = h(
    'section',
    {},
    find.element,
    panel,
    filter.element,
    templates.element,
    table.element,
  )

  function choose(log: string | undefined): void {
    selected = log
    panel.hidden = log === undefined
    if (log !== undefined) {
      replace(panel, h('h2', {}, nameOfLog(log)), h('p', {}, 'Loading…'))
      panel.scrollIntoView({ block: 'start' })
    }
    page.refresh()
  }

  return {
    element,
    everyMs: 2_000,
    show(detail) {
      if (detail !== '') choose(detail)
    },
    async load() {
      find.update()
      const answer = await page.ask({ type: 'channels', filter: filter.value() })
      templates.show(answer.templates.rows, answer.templates.total)
      table.show(answer.rows, answer.total)
      if (selected === undefined) return
      const log = await page.ask({ type: 'log', log: selected })
      if (log.log === selected) replace(panel, ...logPanel(page, log, () => choose(undefined)))
    },
  }
}

const templateColumns: ConstructorParameters<typeof Table<TemplateRow>>[1] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Kind', cell: ({ kind }) => kind },
  { title: 'Open logs', isNumber: true, cell: ({ logs }) => count(logs) },
  { title: 'Readers', isNumber: true, cell: ({ readers }) => count(readers) },
]

function columns(page: Page): ConstructorParameters<typeof Table<ChannelRow>>[1] {
  return [
    { title: 'Log', cell: ({ log }) => logLink(page, log) },
    { title: 'Kind', cell: ({ kind }) => kind },
    { title: 'Readers', isNumber: true, cell: ({ readers }) => count(readers) },
    { title: 'Window, events', isNumber: true, cell: ({ windowEvents }) => count(windowEvents) },
    {
      title: 'Window, characters',
      isNumber: true,
      cell: ({ windowCharacters }) => count(windowCharacters),
    },
    { title: 'Last id', cell: ({ lastEventId }) => h('code', {}, lastEventId ?? '–') },
    {
      title: 'State',
      cell: ({ failure, lastEventId }) =>
        failure === undefined
          ? mark(lastEventId === undefined ? 'opening' : 'ok', 'good')
          : [mark('can’t be read', 'bad'), ` ${failure}`],
    },
  ]
}

function logPanel(page: Page, log: LogAnswer, onClose: () => void): readonly Node[] {
  const publish = log.kind === 'channel' && [
    button('Publish to it', 'publish', () => page.open('publish', log.log)),
  ]
  const steps = button('Watch its steps', 'steps', () => page.open('steps', log.log))
  const close = button('Close', 'close', onClose)
  return [
    h('h2', {}, nameOfLog(log.log)),
    h('p', { class: 'actions' }, ...(publish || []), steps, close),
    facts(log),
    h('h3', {}, `Newest events in the log (${log.events.length})`),
    log.events.length === 0
      ? h('p', { class: 'note' }, 'The log retains no event.')
      : h('ol', { class: 'events' }, ...log.events.map(eventItem)),
    ...entries(log),
  ]
}

function facts({ open, lastEventId, oldestId, retain }: LogAnswer): HTMLElement {
  const isBehind = open?.lastEventId !== undefined && open.lastEventId !== lastEventId
  const pairs: [string, string | Node][] = [
    ['Last id of the log', h('code', {}, lastEventId)],
    [
      'This instance is at',
      open
        ? h(
            'span',
            {},
            h('code', {}, open.lastEventId ?? '–'),
            isBehind ? mark('behind', 'bad') : '',
          )
        : 'It doesn’t read this log.',
    ],
    ['Oldest event', oldestId === undefined ? 'none' : timeOfId(oldestId)],
    ['Retains', retain ? `${count(retain.events)} events, ${duration(retain.forMs)}` : '–'],
    [
      'Window here',
      open
        ? `${count(open.windowEvents)} events, ${count(open.windowCharacters)} characters`
        : 'none',
    ],
    ['Readers here', open ? count(open.readers) : '0'],
  ]
  const items = pairs.flatMap(([term, value]) => [h('dt', {}, term), h('dd', {}, value)])
  return h('dl', {}, ...items)
}

function eventItem({ id, prev, data }: LogAnswer['events'][number]): HTMLElement {
  const age = `${since(Number.parseInt(id, 10))} ago`
  return h(
    'li',
    {},
    h('span', {}, h('code', {}, id), ` ${age}, after ${prev}`),
    h('pre', { tabindex: '0', 'aria-label': `Event ${id}`, 'data-focus': `event ${id}` }, data),
  )
}

function entries({ entries: all, hasMoreEntries, kind }: LogAnswer): readonly Node[] {
  if (all.length === 0) return []
  const items = all.flatMap(([key, value]) => [h('dt', {}, key), h('dd', {}, h('pre', {}, value))])
  const title = kind === 'presence' ? 'Members' : 'Entries'
  return [
    h('h3', {}, title),
    h('dl', {}, ...items),
    ...(hasMoreEntries ? [h('p', { class: 'note' }, 'and more')] : []),
  ]
}
