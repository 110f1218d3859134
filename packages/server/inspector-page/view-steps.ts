import type { StepRow } from '../src/inspector/messages.ts'
import { button, count, h, Table } from './dom.ts'
import { filterField } from './fields.ts'
import { logLink, nameOfLog } from './log-link.ts'
import type { Page, View } from './page.ts'

/** A step with a number, which identifies its row. */
interface Numbered extends StepRow {
  readonly number: number
}

/** The maximum number of steps that the page keeps. */
const maxKept = 1_000
/** The maximum number of steps that it shows. */
const maxShown = 200

/** The steps that each event causes, on most instances many times a second. */
const ofEachEvent: ReadonlySet<string> = new Set(['stored', 'heard', 'windowed', 'framed', 'sent'])

/** The steps of events and streams of an instance, as they happen. */
export function stepsView(page: Page): View {
  let next = 0
  let skipped = 0
  let steps: Numbered[] = []
  const filter = filterField('Filter by event id, log, path or step', show)
  const note = h('p', { class: 'note' })
  const table = new Table<Numbered>('Steps, the newest first', columns(page, watch), {
    keyOf: ({ number }) => String(number),
    empty: 'No step yet. They are recorded only while this view is open.',
  })
  const clear = button('Clear', 'clear', () => {
    steps = []
    skipped = 0
    show()
  })
  const rare = h('input', { type: 'checkbox', onchange: show })
  const rareOnly = h('label', { class: 'check' }, rare, 'Without the steps of each event')
  const element = h(
    'section',
    {},
    h('div', { class: 'row' }, filter.element, rareOnly, clear),
    note,
  )
  element.append(table.element)

  function watch(id: string): void {
    filter.set(id)
    show()
  }

  function show(): void {
    const text = filter.value()
    const matching = steps.filter(
      (step) => matches(step, text) && !(rare.checked && ofEachEvent.has(step.step)),
    )
    const newest = matching.slice(-maxShown).reverse()
    table.show(newest, matching.length)
    note.textContent =
      skipped > 0 ? `${count(skipped)} more steps came too fast to be recorded.` : ''
  }

  return {
    element,
    everyMs: 1_000,
    show: (detail) => {
      if (detail !== '') watch(detail)
    },
    async load() {
      const answer = await page.ask({ type: 'steps', since: next })
      // Another instance, or one that has restarted, counts anew.
      if (answer.next < next) steps = []
      const first = answer.next - answer.steps.length
      const added = answer.steps.map((step, index) => ({ ...step, number: first + index }))
      steps = [...steps, ...added].slice(-maxKept)
      next = answer.next
      skipped += answer.skipped
      show()
    },
  }
}

function matches({ step, log, id, path, stream, detail }: StepRow, text: string): boolean {
  if (text === '') return true
  const texts = [step, log ?? '', log ? nameOfLog(log) : '', id ?? '', path ?? '', detail]
  return texts.some((each) => each.includes(text)) || text === `#${stream}`
}

function columns(
  page: Page,
  watch: (id: string) => void,
): ConstructorParameters<typeof Table<Numbered>>[1] {
  return [
    { title: 'Time', cell: ({ at }) => h('code', {}, timeOf(at)) },
    { title: 'Step', cell: ({ step }) => h('strong', {}, step) },
    { title: 'Log', cell: ({ log }) => log !== undefined && logLink(page, log) },
    {
      title: 'Event',
      cell: ({ id, number }) =>
        id !== undefined &&
        button(id, `id ${number}`, () => watch(id), {
          class: 'link',
          title: 'Show this event only',
        }),
    },
    { title: 'Stream', cell: ({ stream }) => (stream === undefined ? '' : `#${stream}`) },
    { title: 'Path', cell: ({ path }) => path ?? '' },
    { title: 'Detail', cell: ({ detail }) => detail },
  ]
}

function timeOf(at: number): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
}
