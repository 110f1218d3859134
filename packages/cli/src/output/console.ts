import { format } from 'node:util'
import type { CliOutput } from '../io.ts'
import { cut, safeText, withoutPasswords } from './text.ts'

/** More messages than this are not printed. */
const mostMessages = 100

/**
 * Redirects the console, to which libraries and the modules of an app write. What they print may
 * contain foreign text, so it is made safe. Each message is printed once, however many clients
 * cause it.
 */
export function guardConsole(console: Console, output: CliOutput): void {
  const printed = new Set<string>()
  const print = (...values: readonly unknown[]): void => {
    const [line = ''] = cut(withoutPasswords(format(...values)), 1_000).split('\n')
    if (printed.has(line) || printed.size >= mostMessages) return
    printed.add(line)
    output.write(`${safeText(line)}\n`)
  }
  Object.assign(console, { log: print, info: print, warn: print, error: print, debug: print })
}
