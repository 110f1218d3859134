import { isRealtimeError, RealtimeError } from '@trpc-sse/server'

/** Keeps credentials out of errors, which apps may log. */
export interface Secrets {
  /** Remembers a credential. Anything but a non-empty text is ignored. */
  add(secret: unknown): void
  /**
   * Copies an error without its secrets. The copy has the error's name, message, stack, cause and
   * address, and nothing else: errors of ioredis carry whole commands, the login included.
   */
  redact(error: unknown): unknown
}

/** How many credentials are remembered. Each rotation adds one, and old ones are of no use. */
const maxSecrets = 16
/** How many errors of a chain of causes are copied. */
const maxDepth = 8
/** Properties of errors of Node and of ours that hold no secrets. */
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

/** Creates a store without secrets. */
export function createSecrets(): Secrets {
  const secrets = new Set<string>()

  function clean(text: string): string {
    // Replace the longest first: one may be part of another.
    const known = [...secrets].sort((a, b) => b.length - a.length)
    return (
      known
        .reduce((cleaned, secret) => cleaned.replaceAll(secret, '***'), text)
        // The credentials of a URL, or of a text that was meant as one.
        .replace(/\S*:\S*@/g, '***@')
        // Redis repeats the arguments of an unknown command.
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
      // What an app's function throws may itself throw when it is read.
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

/** The frames of a stack, without the message before them. */
function framesOf({ stack = '' }: Error): string[] {
  return stack.split('\n').filter((line) => /^ +at /.test(line))
}

/** The error of a Cluster has its cause in `lastNodeError`. */
function causeOf(error: Error): unknown {
  return error.cause ?? ('lastNodeError' in error ? error.lastNodeError : undefined)
}

/** Node's error for a host with several addresses has a message for each, and none of its own. */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors
    .map((each) => (each instanceof Error ? each.message : String(each)))
    .join('; ')
}
