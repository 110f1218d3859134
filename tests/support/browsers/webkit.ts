import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type Program, startProgram } from '../program.ts'
import { freePort } from '../redis.ts'
import type { Tab, TestBrowser } from './browser.ts'
import { type Command, openSession } from './webdriver.ts'

/**
 * Opens the browser of the WebKit driver from `WEBKIT_DRIVER_BIN`, or PATH, on a separate virtual
 * screen.
 */
export async function openWebKit(): Promise<TestBrowser> {
  await using starting = new AsyncDisposableStack()
  const screen = starting.use(
    startProgram(process.env.XVFB_BIN || 'Xvfb', ['-displayfd', '1', '-nolisten', 'tcp']),
  )
  const display = (await screen.says(/^\d+\n/m)).trim()
  const port = await freePort()
  const driver = starting.use(
    startProgram(process.env.WEBKIT_DRIVER_BIN || 'WebKitWebDriver', [`--port=${port}`], {
      env: { ...process.env, DISPLAY: `:${display}`, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' },
    }),
  )
  await listens(driver, port)
  const command = await openSession(`http://127.0.0.1:${port}`, { acceptInsecureCerts: true })
  // The end of the session also ends the browser.
  starting.defer(() => command('', undefined, 'DELETE'))
  const first = await command<string>('/window')
  const running = starting.move()
  const inTurn = createTurns()
  return {
    open: (url) =>
      inTurn(async () => {
        // An existing window is needed to open another one.
        await command('/window', { handle: first })
        const { handle } = await command<{ handle: string }>('/window/new', { type: 'tab' })
        await command('/window', { handle })
        await command('/url', { url })
        return tabOf(command, handle, inTurn)
      }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Waits until a program listens at a port, because it doesn't report that. */
async function listens({ child }: Program, port: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await setTimeout(20)
  }
  throw new Error('The driver has ended.')
}

type InTurn = <TResult>(something: () => Promise<TResult>) => Promise<TResult>

/** Runs tasks one after the other. */
function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (something) => {
    const next = last.then(something)
    last = next.catch(() => {})
    return next
  }
}

/** Creates a tab. A session sends commands to one tab at a time. */
function tabOf(command: Command, handle: string, inTurn: InTurn): Tab {
  let isClosed = false
  const inTab: InTurn = (something) =>
    inTurn(async () => {
      await command('/window', { handle })
      return something()
    })
  async function close(): Promise<void> {
    if (isClosed) return
    isClosed = true
    await inTab(() => command('/window', undefined, 'DELETE'))
  }
  return {
    goto: (url) => inTab(() => command('/url', { url })),
    async call<TResult>(inPage: InPage, ...given: unknown[]) {
      const outcome = await inTab(() =>
        command<Outcome<TResult>>('/execute/async', {
          script: callScript(inPage),
          args: [given],
        }),
      )
      if ('error' in outcome) throw new Error(outcome.error)
      return outcome.value
    },
    show: () => inTab(() => Promise.resolve()),
    close,
    [Symbol.asyncDispose]: close,
  }
}

type InPage = (...given: never[]) => unknown
type Outcome<TResult> = { readonly value: TResult } | { readonly error: string }

/** Returns a script that calls a function with a list of arguments, and passes on its outcome. */
function callScript(inPage: InPage): string {
  return `
    const [given, done] = arguments
    new Promise((resolve) => resolve((${inPage})(...given)))
      .then((value) => done({ value }), (error) => done({ error: String(error) }))
  `
}
