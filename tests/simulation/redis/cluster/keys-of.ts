/** What a command works on, as a Cluster looks at it to find the node. */
export interface CommandKeys {
  readonly keys: readonly string[]
  /** Whether these are channels of sharded pub/sub. */
  readonly areChannels: boolean
}

const keyless: ReadonlySet<string> = new Set([
  'PUBLISH',
  'SCRIPT',
  'TIME',
  'FLUSHALL',
  'PING',
  'INFO',
])
const allKeys: ReadonlySet<string> = new Set(['DEL', 'UNLINK', 'EXISTS'])

/** Finds the keys of a command. */
export function keysOf(name: string, args: readonly string[]): CommandKeys {
  if (keyless.has(name)) return { keys: [], areChannels: false }
  if (name === 'EVAL' || name === 'EVALSHA')
    return { keys: args.slice(2, 2 + Number(args[1])), areChannels: false }
  if (allKeys.has(name)) return { keys: args, areChannels: false }
  return { keys: args.slice(0, 1), areChannels: name === 'SPUBLISH' || name === 'SSUBSCRIBE' }
}
