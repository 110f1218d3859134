/** An element's child. Texts are always written as text, never as HTML. */
export type Child = Node | string | undefined | false

type Props = Readonly<Record<string, string | boolean | ((event: Event) => void) | undefined>>

/** Creates an element. A function is a listener; the name of its event follows `on`. */
export function h<TName extends keyof HTMLElementTagNameMap>(
  name: TName,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[TName] {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(key.slice(2), value)
    else if (value === true) element.setAttribute(key, '')
    else if (typeof value === 'string') element.setAttribute(key, value)
  }
  element.append(...children.filter((child) => child !== undefined && child !== false))
  return element
}

/** Replaces the children of an element. Keeps the focus on the control with the same `data-focus`. */
export function replace(element: Element, ...children: readonly Child[]): void {
  const focused = focusKey(element)
  element.replaceChildren(...children.filter((child) => child !== undefined && child !== false))
  restoreFocus(element, focused)
}

/** Returns the key of the focused control within an element. */
export function focusKey(element: Element): string | undefined {
  const { activeElement } = document
  return activeElement instanceof HTMLElement && element.contains(activeElement)
    ? activeElement.dataset.focus
    : undefined
}

/** Focuses the control with a key, unless it still has the focus. */
export function restoreFocus(element: Element, key: string | undefined): void {
  if (key === undefined || focusKey(element) === key) return
  for (const candidate of element.querySelectorAll<HTMLElement>('[data-focus]'))
    if (candidate.dataset.focus === key) candidate.focus({ preventScroll: true })
}

/** A column of a table. */
export interface Column<TRow> {
  readonly title: string
  readonly isNumber?: boolean
  cell(row: TRow): Child | readonly Child[]
}

/** A table that keeps the rows that haven't changed, and so their focus and selection. */
export class Table<TRow> {
  readonly element: HTMLElement
  readonly #columns: readonly Column<TRow>[]
  readonly #keyOf: (row: TRow) => string
  readonly #body = h('tbody')
  readonly #note = h('p', { class: 'note' })
  readonly #empty: string
  #rows = new Map<string, { readonly text: string; readonly element: HTMLTableRowElement }>()

  constructor(
    caption: string,
    columns: readonly Column<TRow>[],
    { keyOf, empty }: { keyOf(row: TRow): string; empty: string },
  ) {
    this.#columns = columns
    this.#keyOf = keyOf
    this.#empty = empty
    const titles = columns.map(({ title, isNumber }) =>
      h('th', { scope: 'col', class: isNumber ? 'number' : undefined }, title),
    )
    const head = h('thead', {}, h('tr', {}, ...titles))
    const table = h('table', {}, h('caption', {}, caption), head, this.#body)
    this.element = h('div', { class: 'table' }, table, this.#note)
  }

  /** Shows rows. `total` is the number of all rows, if there are more. */
  show(rows: readonly TRow[], total: number = rows.length, extra = ''): void {
    const focused = focusKey(this.#body)
    const before = this.#rows
    this.#rows = new Map()
    for (const row of rows) {
      const key = this.#keyOf(row)
      const text = JSON.stringify(row) + extra
      const known = before.get(key)
      this.#rows.set(key, known?.text === text ? known : { text, element: this.#create(row) })
    }
    const elements = Array.from(this.#rows.values(), ({ element }) => element)
    const isSame =
      elements.length === this.#body.children.length &&
      elements.every((element, index) => element === this.#body.children[index])
    if (!isSame) this.#body.replaceChildren(...elements)
    restoreFocus(this.#body, focused)
    const more = total - rows.length
    this.#note.textContent =
      rows.length === 0 ? this.#empty : more > 0 ? `and ${count(more)} more` : ''
  }

  #create(row: TRow): HTMLTableRowElement {
    const cells = this.#columns.map(({ title, isNumber, cell }) => {
      const content = cell(row)
      const children = Array.isArray(content) ? content : [content as Child]
      const props = { 'data-label': title, class: isNumber ? 'number' : undefined }
      return h('td', props, h('div', {}, ...children))
    })
    return h('tr', {}, ...cells)
  }
}

/** Creates a button. `focus` identifies it when its row is drawn again. */
export function button(
  text: string,
  focus: string,
  run: () => void,
  props: Props = {},
): HTMLButtonElement {
  return h('button', { type: 'button', 'data-focus': focus, onclick: run, ...props }, text)
}

/** Creates a mark, such as `ok` or `behind`. The text carries the meaning, not only the colour. */
export function mark(text: string, tone: 'good' | 'bad' | 'plain'): HTMLElement {
  return h('span', { class: `mark ${tone}` }, text)
}

const numbers = new Intl.NumberFormat('en')

/** Writes a number. */
export function count(value: number | undefined): string {
  return value === undefined ? '–' : numbers.format(value)
}

/** Writes a number of bytes. */
export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`
  return value < 1_000_000
    ? `${(value / 1_000).toFixed(1)} kB`
    : `${(value / 1_000_000).toFixed(1)} MB`
}

/** Writes a duration in milliseconds. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`
}

/** Writes the time since a moment. */
export function since(atMs: number | undefined): string {
  return atMs === undefined ? '–' : duration(Date.now() - atMs)
}

/** Writes the time of an event id. */
export function timeOfId(id: string): string {
  const ms = Number.parseInt(id, 10)
  return Number.isFinite(ms) && ms > 0 ? new Date(ms).toLocaleString() : '–'
}

/** A text that changes every ten seconds, so that rows with ages are drawn again. */
export function tenSeconds(): string {
  return String(Math.floor(Date.now() / 10_000))
}
