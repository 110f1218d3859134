import { isRealtimeError, RealtimeError } from '@trpc-sse/server'

/** Keeps credentials out of what an app is told, and may log. */
export interface Secrets {
  /** Remembers a credential. Anything but a text with characters is ignored. */
  add(secret: unknown): void
  /**
   * Copies an error without anything secret. The copy has the name, message, stack, cause and address of the error,
   * and nothing else: errors of ioredis carry whole commands, the one that logs in included.
   */
  redact(error: unknown): unknown
}

/** Credentials that are remembered: each rotation brings another one, and old ones are of no use to anybody. */
const maxSecrets = 16
/** Errors in a chain of causes that are copied. */
const maxDepth = 8
/** What an error of Node's or of ours has beside its message, and can be shown. */
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

/** Creates an empty memory of secrets. */
export function createSecrets(): Secrets {
  const secrets = new Set<string>()

  function clean(text: string): string {
    // The longest first: one may be part of another.
    const known = [...secrets].sort((a, b) => b.length - a.length)
    return (
      known
        .reduce((cleaned, secret) => cleaned.replaceAll(secret, '***'), text)
        // A URL, or what was meant as one.
        .replace(/\S*:\S*@/g, '***@')
        // Redis repeats the arguments of a command that it doesn't know.
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
      // Of an app's function: what it throws may throw when it is read.
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

/** The lines of a stack that tell where: before them it repeats the message. */
function framesOf({ stack = '' }: Error): string[] {
  return stack.split('\n').filter((line) => /^ +at /.test(line))
}

/** A Cluster that can't be reached says why of the last node. */
function causeOf(error: Error): unknown {
  return error.cause ?? ('lastNodeError' in error ? error.lastNodeError : undefined)
}

/** Node tries all addresses of a host, and says what came of each, but nothing of all. */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors
    .map((each) => (each instanceof Error ? each.message : String(each)))
    .join('; ')
}
