/** The attributes of an element, and what it contains. */
export interface ElementOptions {
  readonly class?: string
  readonly text?: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly children?: readonly Node[]
  readonly onClick?: () => void
}

/** Creates elements of a document, which may be that of another window. */
export class Elements {
  readonly #document: Document

  constructor(document: Document) {
    this.#document = document
  }

  create<TName extends keyof HTMLElementTagNameMap>(
    name: TName,
    options: ElementOptions = {},
  ): HTMLElementTagNameMap[TName] {
    const element = this.#document.createElement(name)
    if (options.class !== undefined) element.className = options.class
    for (const [attribute, value] of Object.entries(options.attributes ?? {}))
      element.setAttribute(attribute, value)
    if (options.text !== undefined) element.textContent = options.text
    element.append(...(options.children ?? []))
    if (options.onClick) element.addEventListener('click', options.onClick)
    return element
  }

  button(text: string, onClick: () => void): HTMLButtonElement {
    return this.create('button', { text, onClick, attributes: { type: 'button' } })
  }
}

/** Sets the text of an element, as text. Does nothing if it is the same. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Writes a number with its noun, as in "1 gap". Returns `''` for 0. */
export function counted(count: number, noun: string): string {
  if (count === 0) return ''
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** Writes a time of day, to the millisecond. */
export function timeOfDay(at: number): string {
  const date = new Date(at)
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()]
  const ms = `${date.getMilliseconds()}`.padStart(3, '0')
  return `${time.map((part) => `${part}`.padStart(2, '0')).join(':')}.${ms}`
}
