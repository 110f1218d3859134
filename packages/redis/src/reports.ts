import { logStatus, type RedisStatus } from './connection/outage.ts'
import type { Secrets } from './connection/secrets.ts'
import type { RedisBackendOptions } from './options.ts'

type Handlers = Pick<RedisBackendOptions, 'onError' | 'onStatus'>

/** Returns a function that passes errors to the app's `onError`, without secrets. */
export function createErrorReport(
  { onError }: Handlers,
  secrets: Secrets,
): (error: unknown) => void {
  return (error) => callSafely('onError', () => onError?.(secrets.redact(error)))
}

/**
 * Returns a function that reports when Redis is lost and when it is back: to the app, or by default
 * to the console.
 */
export function createStatusReport(
  { onError, onStatus = onError ? undefined : logStatus }: Handlers,
  secrets: Secrets,
): (status: RedisStatus) => void {
  return (status) => {
    const shown =
      status.status === 'lost' ? { ...status, error: secrets.redact(status.error) } : status
    callSafely('onStatus', () => onStatus?.(shown))
  }
}

/** Calls a function of the app, and logs its error if it throws or rejects. */
function callSafely(name: string, call: () => unknown): void {
  const run = async (): Promise<void> => {
    try {
      await call()
    } catch (cause) {
      logToConsole(`trpc-sse: ${name} of redisBackend() threw`, cause)
    }
  }
  void run()
}

/** Logs a message and an error. An error of the app may throw while it is printed. */
function logToConsole(message: string, error: unknown): void {
  try {
    console.error(message, error)
  } catch {
    console.error(`${message} an error that can't be printed`)
  }
}
