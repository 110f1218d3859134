import { logStatus, type RedisStatus } from './connection/outage.ts'
import type { Secrets } from './connection/secrets.ts'
import type { RedisBackendOptions } from './options.ts'

type Handlers = Pick<RedisBackendOptions, 'onError' | 'onStatus'>

/** Creates what reports an error to the app, without secrets in it. */
export function createErrorReport(
  { onError }: Handlers,
  secrets: Secrets,
): (error: unknown) => void {
  return (error) => callSafely('onError', () => onError?.(secrets.redact(error)))
}

/** Creates what reports the loss and the return of Redis: to the app, or else to the console. */
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

/** Calls a function of the app's, which may throw or reject. */
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

/** What an app throws may itself throw when it is printed. */
function logToConsole(message: string, error: unknown): void {
  try {
    console.error(message, error)
  } catch {
    console.error(`${message} an error that can't be printed`)
  }
}
