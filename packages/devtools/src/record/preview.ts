/** The longest preview of a value, in characters. A note about what is left out may follow. */
export const maxPreviewLength = 1_000
const maxDepth = 5

/**
 * Describes any value as text, in the style of a console. The cost is bounded, getters aren't
 * called, and it never throws. The text shares no memory with the value.
 */
export function preview(value: unknown): string {
  const writer = new PreviewWriter()
  writer.write(value, 0)
  return writer.text()
}

class PreviewWriter {
  readonly #parts: string[] = []
  /** The objects around the current value, to find cycles. */
  readonly #around: object[] = []
  #left = maxPreviewLength

  text(): string {
    return this.#parts.join('')
  }

  write(value: unknown, depth: number): void {
    if (typeof value === 'string') this.#string(value)
    else if (typeof value === 'function') this.#put('function')
    else if (typeof value === 'object' && value !== null) this.#guarded(value, depth)
    else this.#put(typeof value === 'bigint' ? `${bigText(value)}n` : simpleText(value))
  }

  /** Adds text, as much as there is room for. Returns whether there is room for more. */
  #put(text: string): boolean {
    if (this.#left <= 0) return false
    this.#parts.push(text.length > this.#left ? `${text.slice(0, this.#left)}…` : text)
    this.#left -= text.length
    return this.#left > 0
  }

  #string(value: string): void {
    const room = this.#left
    if (value.length <= room) this.#put(JSON.stringify(value))
    else if (room > 0) {
      // JSON makes a copy: a slice would keep the whole string in memory.
      const start = JSON.stringify(value.slice(0, room)).slice(0, room)
      this.#parts.push(`${start}… (${value.length} characters)`)
      this.#left = 0
    }
  }

  /** A proxy can throw from anything. */
  #guarded(value: object, depth: number): void {
    try {
      this.#object(value, depth)
    } catch {
      this.#put('(unreadable)')
    }
  }

  #object(value: object, depth: number): void {
    if (this.#around.includes(value)) return void this.#put('(circular)')
    const special = specialText(value)
    if (special !== undefined) return void this.#put(special)
    if (depth >= maxDepth) return void this.#put(Array.isArray(value) ? '[…]' : '{…}')
    this.#around.push(value)
    try {
      if (Array.isArray(value)) this.#array(value, depth)
      else this.#properties(value, depth)
    } finally {
      this.#around.pop()
    }
  }

  #array(value: readonly unknown[], depth: number): void {
    this.#put('[')
    for (let index = 0; index < value.length; index += 1) {
      if (index > 0 && !this.#put(', ')) break
      this.#property(value, `${index}`, depth)
    }
    this.#put(']')
  }

  #properties(value: object, depth: number): void {
    this.#put('{ ')
    let isFirst = true
    for (const name of Object.keys(value)) {
      if (!isFirst && !this.#put(', ')) break
      isFirst = false
      if (!this.#put(`${/^[\w$]{1,100}$/.test(name) ? name : shortQuoted(name)}: `)) break
      this.#property(value, name, depth)
    }
    this.#put(isFirst ? '}' : ' }')
  }

  #property(owner: object, name: string, depth: number): void {
    const property = Object.getOwnPropertyDescriptor(owner, name)
    if (property?.get) this.#put('(getter)')
    else this.write(property?.value, depth + 1)
  }
}

function simpleText(value: unknown): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** Writing all digits of a huge number would take seconds. */
function bigText(value: bigint): string {
  const isHuge = BigInt.asIntN(1_024, value) !== value
  return isHuge ? `(more than 300 digits)` : `${value}`
}

function shortQuoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}

/** Returns the text of an object that isn't described by its properties. */
function specialText(value: object): string | undefined {
  if (value instanceof Date) {
    const time = Date.prototype.getTime.call(value)
    return Number.isNaN(time) ? 'Invalid Date' : new Date(time).toISOString()
  }
  if (value instanceof Map || value instanceof Set)
    return `${value instanceof Map ? 'Map' : 'Set'}(${sizeOf(value)})`
  if (ArrayBuffer.isView(value)) return `bytes(${value.byteLength})`
  if (value instanceof Error) return errorText(value)
  return undefined
}

function sizeOf(value: object): unknown {
  const prototype = value instanceof Map ? Map.prototype : Set.prototype
  return Object.getOwnPropertyDescriptor(prototype, 'size')?.get?.call(value)
}

/** Returns the message of an error, and of the first cause, or a preview of another value. */
export function errorText(error: unknown): string {
  try {
    if (!(error instanceof Error)) return preview(error)
    const message = String(error.message)
    const cause = firstCause(error)
    return clipped(cause === message || cause === '' ? message : `${message} Cause: ${cause}`)
  } catch {
    return '(unreadable)'
  }
}

/** Returns the message of the error that was first. Causes can be a cycle. */
function firstCause(error: Error): string {
  let first = error
  for (let depth = 0; depth < maxDepth && first.cause instanceof Error; depth += 1)
    first = first.cause
  return String(first.message)
}

/** Returns a copy of a text, of limited length. It shares no memory with a longer text. */
export function clipped(text: string): string {
  const start: string = JSON.parse(JSON.stringify(text.slice(0, maxPreviewLength)))
  return text.length > maxPreviewLength ? `${start}… (${text.length} characters)` : start
}
