import { isRealtimeError, RealtimeError } from '@trpc-sse/server'

/** Keeps credentials out of errors, because apps may log those. */
export interface Secrets {
  /** Remembers a credential. Ignores everything except non-empty strings. */
  add(secret: unknown): void
  /**
   * Copies an error without its secrets. The copy has the error's name, message, stack, cause and
   * address, and nothing else: ioredis adds whole commands to its errors, including the login.
   */
  redact(error: unknown): unknown
}

/**
 * The maximum number of remembered credentials. Each rotation adds one; old ones become useless.
 */
const maxSecrets = 16
/** The maximum depth to which a chain of causes is copied. */
const maxDepth = 8
/** Properties of Node's errors and of ours that hold no secrets. */
const shown = [
  'code',
  'errno',
  'syscall',
  'address',
  'port',
  'hostname',
  'status',
  'issues',
] as const

/** Creates an empty store of secrets. */
export function createSecrets(): Secrets {
  const secrets = new Set<string>()

  function clean(text: string): string {
    // Replace the longest secrets first: one may be part of another.
    const known = [...secrets].sort((a, b) => b.length - a.length)
    return (
      known
        .reduce((cleaned, secret) => cleaned.replaceAll(secret, '***'), text)
        // Credentials in a URL, even in a malformed one.
        .replace(/\S*:\S*@/g, '***@')
        // For an unknown command, Redis repeats the arguments.
        .replace(/,? ?with args beginning with:.*/gs, '')
    )
  }

  function copy(error: Error, depth: number): Error {
    const cause = causeOf(error)
    const options =
      cause === undefined || depth >= maxDepth ? {} : { cause: redact(cause, depth + 1) }
    const message = clean(messageOf(error))
    const safe = isRealtimeError(error)
      ? new RealtimeError(error.code, message, options)
      : new Error(message, options)
    const stack = [`${error.name}: ${message}`, ...framesOf(error)].join('\n')
    const about: Record<string, unknown> = { name: error.name, stack }
    for (const key of shown) if (Object.hasOwn(error, key)) about[key] = Reflect.get(error, key)
    for (const [key, value] of Object.entries(about)) {
      Object.defineProperty(safe, key, {
        value: typeof value === 'string' && key !== 'stack' ? clean(value) : value,
        enumerable: key !== 'name' && key !== 'stack',
        configurable: true,
        writable: true,
      })
    }
    return safe
  }

  function redact(error: unknown, depth: number): unknown {
    try {
      return error instanceof Error ? copy(error, depth) : clean(String(error))
    } catch {
      // A getter of an error from the app may throw.
      return new Error('The error can not be read.')
    }
  }

  return {
    add(secret) {
      if (typeof secret !== 'string' || secret === '') return
      for (const form of [secret, encodeURIComponent(secret)]) {
        secrets.delete(form)
        secrets.add(form)
      }
      for (const oldest of [...secrets].slice(0, -maxSecrets)) secrets.delete(oldest)
    },
    redact: (error) => redact(error, 0),
  }
}

/** Returns the frames of a stack, without the message before them. */
function framesOf({ stack = '' }: Error): string[] {
  return stack.split('\n').filter((line) => /^ +at /.test(line))
}

/** Returns the cause of an error. A Cluster error has it in `lastNodeError`. */
function causeOf(error: Error): unknown {
  return error.cause ?? ('lastNodeError' in error ? error.lastNodeError : undefined)
}

/**
 * Returns the message of an error. Node's error for a host with several addresses has no message of
 * its own, only one error for each address.
 */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors
    .map((each) => (each instanceof Error ? each.message : String(each)))
    .join('; ')
}
