import type { RequestRecord } from '../record/records.ts'
import type { PanelChoices, PanelContext, View } from './context.ts'
import { type Elements, setText, timeOfDay } from './elements.ts'
import { type Row, Rows } from './rows.ts'

/** The list of the client link's requests, newest first. */
export function createRequestList(
  { recorder, cut }: PanelContext,
  choices: PanelChoices,
  elements: Elements,
): View {
  const rows = new Rows<RequestRecord>({
    elements,
    label: 'Requests',
    create: (request) => createRow(request, elements, cut),
  })
  function* shown(): Generator<RequestRecord> {
    for (const request of recorder.requests.newestFirst()) {
      const text = `${request.method} ${request.path} ${request.end ?? request.status}`
      if (text.toLowerCase().includes(choices.filter)) yield request
    }
  }
  return {
    element: rows.element,
    render() {
      const empty =
        recorder.requests.size > 0
          ? 'No request matches the filter.'
          : 'No requests yet. They are shown if you use sseLink(devtools.options({ … })). In a tab that follows another one, the leading tab sends them.'
      rows.render(shown(), empty)
    },
  }
}

function createRow(
  request: RequestRecord,
  elements: Elements,
  cut: (request: number) => void,
): Row<RequestRecord> {
  const { number, method, path, since } = request
  const title = elements.create('b', { class: 'path', text: `${method} ${path}` })
  const status = elements.create('span', { class: 'status' })
  const button = elements.button('Cut', () => cut(number))
  button.title = 'Break this request, as a lost network would'
  const facts = elements.create('div', { class: 'facts' })
  const head = elements.create('div', { class: 'head', children: [title, status, button] })
  return {
    element: elements.create('li', { children: [head, facts] }),
    update(now) {
      status.dataset.status = { waiting: 'connecting', open: 'live', over: 'complete' }[now.status]
      setText(status, now.end ?? now.status)
      button.hidden = now.status === 'over'
      const answer = now.httpStatus === undefined ? '' : ` · status ${now.httpStatus}`
      const bytes = `${now.bytes.toLocaleString('en')} bytes`
      setText(facts, `#${number} · since ${timeOfDay(since)}${answer} · ${bytes}`)
    },
  }
}
