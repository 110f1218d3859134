import type { ChannelRow, RoomRow, RunRow } from '../src/inspector/messages.ts'
import { count, h, mark, Table } from './dom.ts'
import { logLink } from './log-link.ts'
import type { Page, View } from './page.ts'

/** Runs, presence rooms and state channels of an instance. */
export function runsView(page: Page): View {
  const log = { title: 'Log', cell: (row: { log: string }) => logLink(page, row.log) }
  const number = <TRow>(title: string, of: (row: TRow) => number) => ({
    title,
    isNumber: true,
    cell: (row: TRow) => count(of(row)),
  })
  const runs = new Table<RunRow>(
    'Runs that somebody follows',
    [
      log,
      { title: 'Status', cell: ({ status }) => mark(status, toneOf(status)) },
      number('Followers', ({ followers }) => followers),
    ],
    { keyOf: (row) => row.log, empty: 'Nobody follows a run on this instance.' },
  )
  const rooms = new Table<RoomRow>(
    'Presence rooms',
    [
      log,
      number('Members held here', ({ members }) => members),
      number('Readers', ({ readers }) => readers),
    ],
    { keyOf: (row) => row.log, empty: 'This instance holds no members.' },
  )
  const states = new Table<ChannelRow>(
    'State channels',
    [
      log,
      number('Readers', ({ readers }) => readers),
      number('Window, changes', ({ windowEvents }) => windowEvents),
    ],
    { keyOf: (row) => row.log, empty: 'Nobody reads a state channel on this instance.' },
  )
  const producing = h('p', { class: 'note' })
  return {
    element: h('section', {}, producing, runs.element, rooms.element, states.element),
    everyMs: 3_000,
    async load() {
      const answer = await page.ask({ type: 'runs' })
      producing.textContent = `This instance produces ${count(answer.producing)} runs. Look a run up in Channels if nobody follows it.`
      runs.show(answer.runs.rows, answer.runs.total)
      rooms.show(answer.rooms.rows, answer.rooms.total)
      states.show(answer.states.rows, answer.states.total)
    },
  }
}

function toneOf(status: string): 'good' | 'bad' | 'plain' {
  if (status === 'running' || status === 'completed') return 'good'
  return status.startsWith('failed') || status === 'abandoned' ? 'bad' : 'plain'
}
