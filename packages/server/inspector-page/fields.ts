import type { DefinitionRow } from '../src/inspector/messages.ts'
import { h } from './dom.ts'

/** A field that filters a list. */
export interface FilterField {
  readonly element: HTMLElement
  value(): string
  set(text: string): void
}

/** Creates a field that calls `onChange` when its text changes. */
export function filterField(label: string, onChange: () => void): FilterField {
  const input = h('input', { type: 'search', maxlength: '200', oninput: onChange })
  return {
    element: h('label', { class: 'field' }, label, input),
    value: () => input.value.trim(),
    set(text) {
      input.value = text
    },
  }
}

/** A form that finds a log by its channel and params. */
export interface FindForm {
  readonly element: HTMLElement
  /** Shows the definitions, once they are known. */
  update(): void
}

/** Creates the form. */
export function findForm(
  definitions: () => readonly DefinitionRow[],
  onFind: (name: string, params: unknown) => void,
): FindForm {
  const names = h('select', {})
  const params = h('input', {
    placeholder: 'for example {"room":"lobby"}',
    'aria-describedby': 'find-error',
  })
  const error = h('span', { id: 'find-error', class: 'error', role: 'alert' })
  const element = h(
    'form',
    { class: 'row', onsubmit: submit },
    h('label', { class: 'field' }, 'Look up a log', names),
    h('label', { class: 'field wide' }, 'Params as JSON', params),
    h('button', {}, 'Look up'),
    error,
  )
  function submit(event: Event): void {
    event.preventDefault()
    const text = params.value.trim()
    error.textContent = ''
    const definition = definitions().find(({ name }) => name === names.value)
    if (text === '' && definition?.hasParams) {
      error.textContent = `${names.value} has params: give those of the log.`
      return
    }
    try {
      const value: unknown = text === '' ? undefined : JSON.parse(text)
      onFind(names.value, value)
    } catch {
      error.textContent = 'The params are no JSON.'
    }
  }
  return {
    element,
    update: () =>
      fillSelect(
        names,
        definitions().map(({ name }) => name),
      ),
  }
}

/** Sets the options of a select. Keeps the selected one. */
export function fillSelect(
  select: HTMLSelectElement,
  values: readonly string[],
  labels: readonly string[] = values,
): void {
  const before = [...select.options].map(({ value, text }) => `${value} ${text}`)
  const after = values.map((value, index) => `${value} ${labels[index]}`)
  if (before.join('\n') === after.join('\n')) return
  const { value } = select
  select.replaceChildren(
    ...values.map((each, index) => h('option', { value: each }, labels[index])),
  )
  if (values.includes(value)) select.value = value
}
