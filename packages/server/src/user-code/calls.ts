import { RealtimeError } from '@trpc-sse/protocol'

/**
 * Gives what a function of the app's returned, `what` being its name in an error. Throws `INVALID_OPTION` for a promise, where
 * a value is due; what becomes of that promise is nobody's business any more.
 */
export function mustBeValue<TValue>(value: TValue, what: string): TValue {
  if (!isPromiseLike(value)) return value
  ignoreRejection(value)
  const message = `${what} returned a promise where a value is due. Do what takes time elsewhere: in the resolver, or in an async generator.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/** Calls a handler that the app gave to be told of something. Whether it throws or rejects, nothing but the console is told. */
export function callHandler(name: string, call: () => unknown): void {
  const onFailure = (cause: unknown): void => tellConsole(`trpc-sse: ${name} failed`, cause)
  try {
    const result = call()
    if (isPromiseLike(result)) result.then(undefined, onFailure)
  } catch (cause) {
    onFailure(cause)
  }
}

/** Tells the console of an error of the app's, which may be one that throws when it is shown. */
export function tellConsole(message: string, error: unknown): void {
  try {
    console.error(message, error)
  } catch {
    console.error(`${message}, with an error that can't be shown`)
  }
}

const partsOfErrors = ['name', 'message', 'stack', 'code', 'cause']

/** Whether what was thrown can be looked at: a getter or a proxy may throw. */
export function isReadable(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return true
  try {
    Reflect.getPrototypeOf(thrown)
    for (const part of partsOfErrors) Reflect.get(thrown, part)
    return true
  } catch {
    return false
  }
}

/** Takes care that a promise which nobody waits for ends no process. */
export function ignoreRejection(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => {})
}

/** Whether a value is a promise, of whichever kind. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
