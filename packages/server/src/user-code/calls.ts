import { RealtimeError } from '@trpc-sse/protocol'

/**
 * Returns the result of a user function that must not be async. Throws `INVALID_OPTION` for a
 * promise, and ignores that promise's rejection. `what` names the function in the error.
 */
export function mustBeValue<TValue>(value: TValue, what: string): TValue {
  if (!isPromiseLike(value)) return value
  ignoreRejection(value)
  const message = `${what} returned a promise, but must return a value. Do async work elsewhere: in the resolver, or in an async generator.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/**
 * Calls a handler of the app, such as `onError`. Errors that the handler throws go to the console.
 */
export function callHandler(name: string, call: () => unknown): void {
  const onFailure = (cause: unknown): void => logToConsole(`trpc-sse: ${name} failed`, cause)
  try {
    const result = call()
    if (isPromiseLike(result)) result.then(undefined, onFailure)
  } catch (cause) {
    onFailure(cause)
  }
}

/** Logs an error of user code to the console, even if the error can't be printed. */
export function logToConsole(message: string, error: unknown): void {
  try {
    console.error(message, error)
  } catch {
    console.error(`${message}, with an error that can't be printed`)
  }
}

const partsOfErrors = ['name', 'message', 'stack', 'code', 'cause']

/** Whether the usual properties of a thrown value can be read. A getter or a proxy may throw. */
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

/** Ignores a promise's rejection, which would otherwise end the process. */
export function ignoreRejection(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => {})
}

/** Whether a value is a promise or another object with `then`. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
