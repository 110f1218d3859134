import { CommandError, type Reply, Status } from './reply.ts'

/** The version of the protocol that a connection speaks. */
export type Protocol = 2 | 3

/** Writes a reply: each character is one byte. */
export function encodeReply(reply: Reply, protocol: Protocol): string {
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`
  if (typeof reply === 'number') return `:${reply}\r\n`
  if (reply === null) return protocol === 3 ? '_\r\n' : '$-1\r\n'
  if (reply instanceof Status) return `+${reply.text}\r\n`
  if (reply instanceof CommandError) return `-${reply.message}\r\n`
  return encodeList('*', reply, protocol)
}

/** Writes what no command asked for: a message, say. */
export function encodePush(items: readonly Reply[], protocol: Protocol): string {
  return encodeList(protocol === 3 ? '>' : '*', items, protocol)
}

function encodeList(mark: string, items: readonly Reply[], protocol: Protocol): string {
  return `${mark}${items.length}\r\n${items.map((item) => encodeReply(item, protocol)).join('')}`
}

/** Reads commands as they arrive, in pieces of any size. */
export class CommandParser {
  #left = ''

  /** Takes the next bytes, each as one character; returns the commands that they complete. */
  push(bytes: string): string[][] {
    const commands: string[][] = []
    const text = this.#left + bytes
    let at = 0
    for (;;) {
      const parsed = parseCommand(text, at)
      if (parsed === undefined) break
      commands.push(parsed.command)
      at = parsed.end
    }
    this.#left = text.slice(at)
    return commands
  }
}

function parseCommand(
  text: string,
  start: number,
): { readonly command: string[]; readonly end: number } | undefined {
  let at = start
  const number = (): number | undefined => {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return undefined
    const value = Number(text.slice(at + 1, end))
    at = end + 2
    return value
  }
  const count = number()
  if (count === undefined) return undefined
  const command: string[] = []
  while (command.length < count) {
    const length = number()
    if (length === undefined || at + length + 2 > text.length) return undefined
    command.push(text.slice(at, at + length))
    at += length + 2
  }
  return { command, end: at }
}
