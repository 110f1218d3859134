import type { DefinitionRow } from '../src/inspector/messages.ts'
import { AskError } from './api.ts'
import { button, h, replace } from './dom.ts'
import { fillSelect } from './fields.ts'
import type { Page, View } from './page.ts'
import { schemaForm, type ValueForm } from './schema-form.ts'

/** Publishes an event, with the schemas of the channel as a form. */
export function publishView(page: Page, definitions: () => readonly DefinitionRow[]): View {
  const names = h('select', { onchange: draw })
  const fields = h('div')
  const result = h('p', { role: 'status' })
  const error = h('p', { class: 'error', role: 'alert' })
  let params: ValueForm | undefined
  let event: ValueForm | undefined
  let drawn: string | undefined
  const form = h(
    'form',
    { onsubmit: submit },
    h('label', { class: 'field' }, 'Channel', names),
    fields,
    h('p', { class: 'note' }, 'A date is written as {"$date": "2026-11-28T03:00:00Z"}.'),
    h('button', {}, 'Publish'),
  )
  const element = h('section', {}, form, error, result)

  function draw(): void {
    const found = definitions().find(({ name }) => name === names.value)
    drawn = found?.name
    params = found?.hasParams ? schemaForm('Params', found.params) : undefined
    event = schemaForm('Event', found?.event)
    replace(fields, params?.element, event.element)
  }

  function submit(submitted: Event): void {
    submitted.preventDefault()
    error.textContent = ''
    result.textContent = ''
    publish().catch(showError)
  }

  async function publish(): Promise<void> {
    const name = names.value
    const values = { params: params?.value(), event: event?.value() }
    const { id, log } = await page.ask({ type: 'publish', name, ...values })
    params?.showIssues([])
    event?.showIssues([])
    const follow = button('Follow it', 'follow', () => page.open('steps', id))
    const look = button('Look at the log', 'look', () => page.open('channels', log))
    replace(result, 'Stored with the id ', h('code', {}, id), '. ', follow, look)
  }

  function showError(thrown: unknown): void {
    const isAboutParams = thrown instanceof AskError && thrown.code === 'INVALID_PARAMS'
    const issues = thrown instanceof AskError ? thrown.issues : []
    params?.showIssues(isAboutParams ? issues : [])
    event?.showIssues(isAboutParams ? [] : issues)
    error.textContent = thrown instanceof Error ? thrown.message : String(thrown)
  }

  return {
    element,
    everyMs: undefined,
    show(detail) {
      const name = nameIn(detail)
      if (name === undefined) return
      names.value = name
      draw()
    },
    async load() {
      const channels = definitions().filter(({ kind }) => kind === 'channel')
      fillSelect(
        names,
        channels.map(({ name }) => name),
      )
      if (drawn !== names.value) draw()
    },
  }
}

function nameIn(log: string): string | undefined {
  try {
    const [name]: unknown[] = JSON.parse(log)
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}
