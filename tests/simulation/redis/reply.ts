/** A reply of Redis. A text is a bulk string: each character is one byte. */
export type Reply = string | number | null | Status | CommandError | readonly Reply[]

/** A reply such as `OK`. */
export class Status {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** An error reply, which starts with its code. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

export const ok: Status = new Status('OK')

/** What Redis says when a key holds something else than a command works with. */
export function wrongType(): CommandError {
  return new CommandError('WRONGTYPE Operation against a key holding the wrong kind of value')
}

export function syntaxError(): CommandError {
  return new CommandError('ERR syntax error')
}
