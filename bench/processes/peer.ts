import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Runtime } from './runtime.ts'

/** The methods of a process, by name. */
export type Methods<T> = { readonly [Name in keyof T]: (params: never) => unknown }

/** A child process with methods to call. */
export interface Peer<T extends Methods<T>> {
  /** Calls a method in the process. Rejects with its error, or if the process ends first. */
  call<Name extends keyof T & string>(
    name: Name,
    ...params: Parameters<T[Name]>
  ): Promise<Awaited<ReturnType<T[Name]>>>
  /** Calls back with each number that the process sends. */
  onNumber(listener: (value: number) => void): void
  /** Sends the process a number. */
  send(value: number): void
  /** Ends the process. */
  stop(): Promise<void>
}

interface Request {
  readonly id: number
  readonly name: string
  readonly params: unknown
}

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

interface Waiting {
  resolve(result: never): void
  reject(error: Error): void
}

/** Starts one of the measured processes. */
export function startPeer<T extends Methods<T>>(
  runtime: Runtime,
  name: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Peer<T> {
  const child = fork(runtime.file(name), args, {
    execPath: runtime.node,
    execArgv: [...nodeArgs],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const waiting = new Map<number, Waiting>()
  const exited = once(child, 'exit')
  let onNumber = (_value: number): void => {}
  let lastId = 0

  child.on('message', (message: Answer | number) => {
    if (typeof message === 'number') return onNumber(message)
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) call?.resolve(message.result as never)
    else call?.reject(new Error(`${name} ${args.join(' ')}: ${message.error}`))
  })
  child.on('exit', (code) => {
    for (const { reject } of waiting.values())
      reject(new Error(`${name} ${args.join(' ')} ended (${code})`))
  })

  return {
    call: (method, ...[params]) =>
      new Promise((resolve, reject) => {
        const request: Request = { id: ++lastId, name: method, params }
        waiting.set(request.id, { resolve, reject })
        child.send(request)
      }),
    onNumber(listener) {
      onNumber = listener
    },
    send: (value) => void child.send(value),
    async stop() {
      // It then exits by itself. Node caches compiled code only for processes that exit by
      // themselves.
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** Answers the calls of the parent process, and exits when the parent does. */
export function answerCalls<T extends Methods<T>>(
  methods: T,
  onNumber: (value: number) => void = () => {},
): void {
  const answer = async ({ id, name, params }: Request): Promise<Answer> => {
    try {
      return { id, result: await methods[name as keyof T](params as never) }
    } catch (error) {
      return { id, error: error instanceof Error ? `${error.stack}` : `${error}` }
    }
  }
  process.on('message', (message: Request | number) => {
    if (typeof message === 'number') onNumber(message)
    else void answer(message).then((made) => process.send?.(made))
  })
  process.on('disconnect', () => process.exit())
  // The parent may have ended while this process started.
  if (!process.connected) process.exit()
}

/** Sends a number to the parent process. */
export function sendToParent(value: number): void {
  process.send?.(value)
}
