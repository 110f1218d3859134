import { h } from './dom.ts'

/** A form for a value. */
export interface ValueForm {
  readonly element: HTMLElement
  /** Returns the value. Throws an error with a message for the user. */
  value(): unknown
  /** Shows errors beside the fields with these paths. Returns the ones that have no field. */
  showIssues(issues: readonly Issue[]): readonly Issue[]
}

/** An error of a schema. */
export interface Issue {
  readonly path: string
  readonly message: string
}

interface Schema {
  readonly type?: unknown
  readonly enum?: unknown
  readonly properties?: unknown
  readonly required?: unknown
  readonly description?: unknown
}

/** Creates the fields for a JSON Schema. Without one, creates one field for JSON. */
export function schemaForm(title: string, schema: object | undefined): ValueForm {
  const { properties, required }: Schema = schema ?? {}
  if (typeof properties !== 'object' || properties === null) return oneField(title, schema)
  const names = Array.isArray(required) ? required : []
  const fields = Object.entries(properties).map(
    ([name, part]) => [name, createField(name, Object(part), names.includes(name))] as const,
  )
  return {
    element: h('fieldset', {}, h('legend', {}, title), ...fields.map(([, { element }]) => element)),
    value() {
      const entries = fields.map(([name, { value }]) => [name, value()] as const)
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
    },
    showIssues(issues) {
      for (const [name, { error }] of fields) error.textContent = textFor(name, issues)
      return issues.filter(({ path }) => !fields.some(([name]) => isBelow(path, name)))
    },
  }
}

function oneField(title: string, schema: object | undefined): ValueForm {
  const field = createField(title, schema ?? {}, true)
  return {
    element: h('fieldset', {}, h('legend', {}, title), field.element),
    value: field.value,
    showIssues(issues) {
      field.error.textContent = issues
        .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
        .join('\n')
      return []
    },
  }
}

interface Field {
  readonly element: HTMLElement
  readonly error: HTMLElement
  value(): unknown
}

let ids = 0

function createField(name: string, schema: Schema, isRequired: boolean): Field {
  const id = `field-${++ids}`
  const error = h('span', { id: `${id}-error`, class: 'error', role: 'alert' })
  const attributes = { id, 'aria-describedby': `${id}-error` }
  const { control, value, hint } = createControl(name, schema, isRequired, attributes)
  const label = `${name}${isRequired ? '' : ' (optional)'}${hint}`
  return { element: h('label', { class: 'field wide' }, label, control, error), error, value }
}

interface Control {
  readonly control: HTMLElement
  readonly hint: string
  value(): unknown
}

type Attributes = Readonly<Record<string, string>>

function createControl(
  name: string,
  { type, enum: choices }: Schema,
  isRequired: boolean,
  attributes: Attributes,
): Control {
  if (Array.isArray(choices)) return choice(choices, isRequired, attributes)
  if (type === 'boolean') return choice([false, true], isRequired, attributes)
  if (type === 'number' || type === 'integer') {
    const control = h('input', { ...attributes, inputmode: 'decimal' })
    return { control, hint: ', a number', value: () => numberIn(name, control.value) }
  }
  if (type === 'string') {
    const control = h('textarea', { ...attributes, rows: '1' })
    const isAbsent = (): boolean => control.value === '' && !isRequired
    return { control, hint: '', value: () => (isAbsent() ? undefined : control.value) }
  }
  const control = h('textarea', { ...attributes, rows: '3', spellcheck: 'false' })
  return { control, hint: ', as JSON', value: () => jsonIn(name, control.value) }
}

function choice(choices: readonly unknown[], isRequired: boolean, attributes: Attributes): Control {
  const all = isRequired ? choices : [undefined, ...choices]
  const options = all.map((each, index) =>
    h('option', { value: String(index) }, each === undefined ? '' : String(each)),
  )
  const control = h('select', attributes, ...options)
  return { control, hint: '', value: () => all[Number(control.value)] }
}

function numberIn(name: string, text: string): number | undefined {
  if (text.trim() === '') return undefined
  const value = Number(text)
  if (Number.isFinite(value)) return value
  throw new Error(`${name} is no number.`)
}

function jsonIn(name: string, text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`${name} is no JSON. A text needs quotes.`, { cause })
  }
}

function isBelow(path: string, name: string): boolean {
  return path === name || path.startsWith(`${name}.`)
}

function textFor(name: string, issues: readonly Issue[]): string {
  return issues
    .filter(({ path }) => isBelow(path, name))
    .map(({ path, message }) => (path === name ? message : `${path}: ${message}`))
    .join('\n')
}
