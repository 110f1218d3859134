import type { Check, InstanceRow } from '../src/inspector/messages.ts'
import {
  button,
  bytes,
  count,
  duration,
  h,
  mark,
  replace,
  since,
  Table,
  tenSeconds,
} from './dom.ts'
import type { Page, View } from './page.ts'

/** All instances, and what is wrong with them. */
export function instancesView(page: Page, onList: (rows: readonly InstanceRow[]) => void): View {
  const findings = h('ul', { class: 'findings' })
  const table = new Table<InstanceRow>('Instances', columns(page), {
    keyOf: ({ id }) => id,
    empty: 'No instance has answered.',
  })
  const element = h('section', {}, h('h2', {}, 'Findings'), findings, table.element)
  return {
    element,
    everyMs: 3_000,
    async load() {
      const rows = await page.ask({ type: 'instances' })
      onList(rows)
      const all = findingsOf(rows)
      const items =
        all.length > 0
          ? all.map((finding) => h('li', {}, mark('wrong', 'bad'), ' ', finding))
          : [h('li', {}, mark('ok', 'good'), ' ', noneOf(rows.length))]
      replace(findings, ...items)
      table.show(rows, rows.length, tenSeconds())
    },
  }
}

/** Says what is wrong, and what that means for events. */
function findingsOf(rows: readonly InstanceRow[]): string[] {
  const deaf = rows.find(({ isThis, summary }) => isThis && hasFailed(summary.notifications))
  // An instance without notifications hears nobody, so it can't tell whether others are there.
  const known = deaf ? rows.filter(({ silentMs }) => silentMs === 0) : rows
  return known.flatMap(findingsOfOne)
}

function noneOf(instances: number): string {
  const those = instances === 1 ? 'this instance' : `these ${count(instances)} instances`
  return `Nothing is wrong that ${those} can see. One that is missing below can’t be heard: open its own ~inspector.`
}

function hasFailed({ state }: Check): boolean {
  return state === 'failed'
}

function findingsOfOne({ name, silentMs, summary, isThis }: InstanceRow): string[] {
  if (silentMs > 0)
    return [
      `${name} has not answered for ${duration(silentMs)}: it has ended, or can’t be reached through the backend.`,
    ]
  const { storage, notifications, behind, short, isDraining } = summary
  const found: string[] = []
  if (hasFailed(storage))
    found.push(`${name} can’t read logs: ${storage.message}. Nothing can be published or replayed.`)
  if (hasFailed(notifications))
    found.push(
      `${name} gets no notifications: ${notifications.message} Events arrive there up to 30 seconds late, by position checks only.${isThis ? ' It can’t hear other instances either.' : ''}`,
    )
  if (behind > 0)
    found.push(
      `${name} has ${behind === 1 ? '1 stream whose client reads' : `${count(behind)} streams whose clients read`} too slowly. See Streams, where they come first.`,
    )
  if (short > 0)
    found.push(
      `${name} has ${short === 1 ? '1 client that gets' : `${count(short)} clients that get`} streams of seconds only, because a proxy holds responses back. trpc-sse doctor names it.`,
    )
  if (isDraining) found.push(`${name} is draining: it moves its clients to other instances.`)
  return found
}

function columns(page: Page): ConstructorParameters<typeof Table<InstanceRow>>[1] {
  const n = (title: string, of: (row: InstanceRow) => string) => ({
    title,
    isNumber: true,
    cell: of,
  })
  return [
    {
      title: 'Instance',
      cell: ({ name, isThis }) => [name, isThis && mark('this page', 'plain')],
    },
    { title: 'Storage', cell: ({ summary }) => checkMark(summary.storage) },
    { title: 'Notifications', cell: ({ summary }) => checkMark(summary.notifications) },
    n('Up', ({ startedAt }) => since(startedAt)),
    n('Streams', ({ summary }) => count(summary.streams)),
    n('Subscriptions', ({ summary }) => count(summary.subscriptions)),
    n('Behind', ({ summary }) => count(summary.behind)),
    n('Waiting', ({ summary }) => bytes(summary.bytesWaiting)),
    n('Channels', ({ summary }) => count(summary.channels)),
    n('Sent', ({ summary }) => count(summary.eventsSent)),
    n('Gaps', ({ summary }) => count(summary.gaps)),
    n('Refused', ({ summary }) => count(summary.refused)),
    n('Cut off', ({ summary }) => count(summary.cutOff)),
    { title: 'Actions', cell: (row) => actions(page, row) },
  ]
}

function checkMark({ state, tookMs, message }: Check): HTMLElement {
  if (state === 'none') return mark('none', 'plain')
  if (state === 'ok') return mark(`ok, ${Math.round(tookMs)} ms`, 'good')
  const failed = mark('failed', 'bad')
  if (message !== undefined) failed.title = message
  return failed
}

function actions(page: Page, { id, name }: InstanceRow): HTMLElement {
  const inspect = button('Inspect', `inspect ${id}`, () => {
    page.select(id)
    page.open('streams')
  })
  const does = `Drop the connection on which ${name} gets notifications. It connects again by itself.`
  const interrupt = button(
    'Interrupt',
    `interrupt ${id}`,
    () => {
      if (confirm(does)) page.act(() => page.askOne(id, { type: 'interrupt' }))
    },
    { title: does, 'aria-label': `Interrupt ${name}. ${does}` },
  )
  return h('span', { class: 'actions' }, inspect, interrupt)
}
