import { maxRows } from './context.ts'
import { type Elements, setText } from './elements.ts'

/** The row of an item. */
export interface Row<TItem> {
  readonly element: HTMLElement
  /** Shows the item as it is now. */
  update(item: TItem): void
}

/** What a list shows. */
export interface RowsOptions<TItem> {
  readonly elements: Elements
  readonly label: string
  readonly create: (item: TItem) => Row<TItem>
}

/** A list that shows the first items, and reuses the rows of items that it has shown before. */
export class Rows<TItem extends { readonly number: number }> {
  readonly element: HTMLElement
  readonly #options: RowsOptions<TItem>
  readonly #list: HTMLElement
  readonly #note: HTMLElement
  #rows = new Map<number, Row<TItem>>()

  constructor(options: RowsOptions<TItem>) {
    const { elements, label } = options
    this.#options = options
    this.#list = elements.create('ul', { attributes: { 'aria-label': label } })
    this.#note = elements.create('p', { class: 'note' })
    this.element = elements.create('div', { children: [this.#list, this.#note] })
  }

  /** Shows items in this order. `empty` is shown if there are none. */
  render(items: Iterable<TItem>, empty: string): void {
    const rows = new Map<number, Row<TItem>>()
    let more = 0
    for (const item of items) {
      if (rows.size >= maxRows) {
        more += 1
        continue
      }
      const row = this.#rows.get(item.number) ?? this.#options.create(item)
      row.update(item)
      rows.set(item.number, row)
    }
    for (const [number, row] of this.#rows) if (!rows.has(number)) row.element.remove()
    this.#rows = rows
    this.#arrange()
    const left = more > 0 ? `and ${more.toLocaleString('en')} more` : ''
    setText(this.#note, rows.size === 0 ? empty : left)
  }

  /** Puts the rows in order, and moves only those that are elsewhere. */
  #arrange(): void {
    let next = this.#list.firstChild
    for (const { element } of this.#rows.values()) {
      if (element === next) next = element.nextSibling
      else this.#list.insertBefore(element, next)
    }
  }
}
