import { LuaError } from './values.ts'

const classes: Readonly<Record<string, string>> = {
  a: 'A-Za-z',
  d: '0-9',
  l: 'a-z',
  s: ' \\t\\n\\v\\f\\r',
  u: 'A-Z',
  w: 'A-Za-z0-9',
  x: 'A-Fa-f0-9',
}
const known = new Map<string, RegExp>()

/** Translates a pattern of Lua; throws for what regular expressions don't have. */
export function toRegExp(pattern: string): RegExp {
  const existing = known.get(pattern)
  if (existing) return existing
  const regExp = new RegExp(new Translation(pattern).run(), 's')
  known.set(pattern, regExp)
  return regExp
}

class Translation {
  readonly #pattern: string
  #at = 0

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  run(): string {
    let source = ''
    if (this.#takes('^')) source += '^'
    while (this.#at < this.#pattern.length) {
      const isEnd = this.#at === this.#pattern.length - 1
      if (this.#takes('(')) source += '('
      else if (this.#takes(')')) source += ')'
      else if (isEnd && this.#takes('$')) source += '$'
      else source += this.#item() + this.#quantifier()
    }
    return source
  }

  #item(): string {
    if (this.#takes('[')) return this.#set()
    if (this.#takes('.')) return '[^]'
    const one = this.#one()
    return one.length > 1 && !one.startsWith('\\') ? `[${one}]` : one
  }

  #set(): string {
    let set = this.#takes('^') ? '[^' : '['
    for (let isFirst = true; isFirst || !this.#takes(']'); isFirst = false) {
      if (this.#at >= this.#pattern.length) throw new LuaError('malformed pattern')
      const isRange = /^[^\]%]-[^\]]/.test(this.#pattern.slice(this.#at))
      if (isRange) {
        set += `${this.#one()}-`
        this.#at += 1
      }
      set += this.#one()
    }
    return `${set}]`
  }

  /** One character, escaped, or the members of a class. */
  #one(): string {
    const character = this.#pattern[this.#at++] ?? ''
    if (character !== '%') return escapeCharacter(character)
    const escaped = this.#pattern[this.#at++] ?? ''
    if (!/[A-Za-z\d]/.test(escaped)) return escapeCharacter(escaped)
    const members = classes[escaped]
    if (members === undefined) throw new LuaError(`%${escaped} is not part of the model`)
    return members
  }

  #quantifier(): string {
    if (this.#takes('-')) return '*?'
    for (const same of ['+', '*', '?']) if (this.#takes(same)) return same
    return ''
  }

  #takes(character: string): boolean {
    if (this.#pattern[this.#at] !== character) return false
    this.#at += 1
    return true
  }
}

function escapeCharacter(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
}
