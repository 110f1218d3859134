import type { Drill, StreamRow, SubscriptionRow } from '../src/inspector/messages.ts'
import { button, bytes, count, h, mark, since, Table, tenSeconds } from './dom.ts'
import { filterField } from './fields.ts'
import { logLink } from './log-link.ts'
import type { Page, View } from './page.ts'

const drills: readonly { readonly drill: Drill; readonly text: string; readonly does: string }[] = [
  { drill: 'cut', text: 'Cut', does: 'Breaks the stream off, as a network failure does.' },
  { drill: 'stall', text: 'Stall', does: 'Writes nothing for 30 seconds, as to a frozen client.' },
  { drill: 'slow', text: 'Slow', does: 'Writes 1 kB per second for 30 seconds.' },
  { drill: 'gap', text: 'Gap', does: 'Tells the client of a gap. No event is lost.' },
]

/** The streams of an instance, and the subscriptions of one of them. */
export function streamsView(page: Page): View {
  let selected: number | undefined
  const filter = filterField('Filter by key, address, path or number', page.refresh)
  const table = new Table<StreamRow>(
    'Streams, those that are behind first',
    columns(page, choose),
    {
      keyOf: ({ stream }) => String(stream),
      empty: 'No stream is open. A client whose event is missing isn’t connected to this instance.',
    },
  )
  const details = new Table<SubscriptionRow>('Subscriptions of the stream', detailColumns(page), {
    keyOf: ({ key, path }) => `${key} ${path}`,
    empty: 'The stream has no subscriptions, or has ended.',
  })
  const heading = h('h2')
  const close = button('Close', 'close', () => choose(undefined))
  const panel = h('section', { class: 'panel', hidden: true }, heading, close, details.element)
  const element = h('section', {}, filter.element, table.element, panel)

  function choose(row: StreamRow | undefined): void {
    selected = row?.stream
    panel.hidden = row === undefined
    heading.textContent = row
      ? `Stream #${row.stream} of ${row.key ?? row.address ?? 'an unknown user'}`
      : ''
    if (row) panel.scrollIntoView({ block: 'nearest' })
    page.refresh()
  }

  return {
    element,
    everyMs: 1_000,
    show(detail) {
      filter.set(detail)
    },
    async load() {
      const { rows, total } = await page.ask({ type: 'streams', filter: filter.value() })
      table.show(rows, total, tenSeconds())
      if (selected === undefined) return
      const subscriptions = await page.ask({ type: 'stream', stream: selected })
      details.show(subscriptions.rows, subscriptions.total)
    },
  }
}

function columns(
  page: Page,
  choose: (row: StreamRow) => void,
): ConstructorParameters<typeof Table<StreamRow>>[1] {
  const drillButtons = ({ stream, key, address, drill }: StreamRow): HTMLElement => {
    const run = (name: Drill): void =>
      page.act(() => page.ask({ type: 'drill', drill: name, stream }))
    const resume = drill && button('Resume', `resume ${stream}`, () => run('resume'))
    const confirmed = (name: Drill, does: string) => () => {
      if (confirm(`${does} This is the stream of ${key ?? address ?? 'an unknown user'}.`))
        run(name)
    }
    const buttons = drills.map(({ drill: name, text, does }) =>
      button(text, `${name} ${stream}`, confirmed(name, does), {
        title: does,
        'aria-label': `${text} stream ${stream}. ${does}`,
      }),
    )
    return h('span', { class: 'actions' }, ...(resume ? [resume] : []), ...buttons)
  }
  return [
    {
      title: 'Stream',
      cell: (row) => button(`#${row.stream}`, `open ${row.stream}`, () => choose(row)),
    },
    { title: 'Key or address', cell: ({ key, address }) => key ?? address ?? '–' },
    { title: 'Paths', cell: ({ paths }) => paths.join(', ') },
    {
      title: 'Subscriptions',
      isNumber: true,
      cell: ({ subscriptions }) => count(subscriptions),
    },
    { title: 'Open', isNumber: true, cell: ({ openedAt }) => since(openedAt) },
    { title: 'Lag', isNumber: true, cell: ({ lag }) => count(lag) },
    { title: 'Waiting', isNumber: true, cell: ({ bytesWaiting }) => bytes(bytesWaiting) },
    { title: 'State', cell: stateOf },
    { title: 'Drills', cell: drillButtons },
  ]
}

function stateOf({ isBehind, isShort, drill }: StreamRow): HTMLElement[] {
  const marks = drill ? [mark(drill === 'stall' ? 'stalled' : 'slowed', 'plain')] : []
  if (isBehind) marks.unshift(mark('behind', 'bad'))
  if (isShort) marks.unshift(mark('buffered by a proxy', 'bad'))
  return isBehind || isShort ? marks : [mark('ok', 'good'), ...marks]
}

function detailColumns(page: Page): ConstructorParameters<typeof Table<SubscriptionRow>>[1] {
  return [
    { title: 'Path', cell: ({ path }) => path },
    { title: 'Sent up to', cell: ({ position }) => h('code', {}, position ?? 'nothing yet') },
    {
      title: 'Reads',
      cell: ({ readers }) =>
        readers.length === 0
          ? 'no channel'
          : readers.map(({ log, lag }) =>
              h(
                'div',
                {},
                logLink(page, log),
                lag === undefined
                  ? ' from the log: it is far behind'
                  : ` ${count(lag)} not sent yet`,
              ),
            ),
    },
    { title: 'Kind', cell: ({ live }) => (live ? 'live' : 'events') },
  ]
}
