/** The locals that code can see. Each gets a name of its own, as Lua declares them again at will. */
export class Scopes {
  readonly #scopes: Array<Map<string, string>> = []
  #names = 0

  /** A number that no other name has. */
  next(): number {
    return this.#names++
  }

  /** Declares a local in the innermost scope; returns its name in JavaScript. */
  declare(name: string): string {
    const unique = `${name}$${this.next()}`
    this.#scopes.at(-1)?.set(name, unique)
    return unique
  }

  /** The name of a local in JavaScript; `undefined` if there is none. */
  find(name: string): string | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name)
  }

  /** Writes code in a scope of its own. */
  inside(write: () => string): string {
    this.#scopes.push(new Map())
    const code = write()
    this.#scopes.pop()
    return code
  }
}
