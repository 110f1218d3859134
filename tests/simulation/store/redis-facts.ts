import type { RedisModelOptions } from '../redis/redis-model.ts'
import type { Facts } from './facts.ts'
import { roomOf } from './store.ts'

/** Learns what became of events from the commands that the scripts run. */
export function recordCommands(facts: Facts): NonNullable<RedisModelOptions['onCommand']> {
  return (name, args, reply) => {
    const [key = ''] = args
    if (!isEventLog(key)) return
    const room = roomOfName(key)
    if (name === 'XADD') recordStored(facts, room, args, String(reply))
    // The script deletes an event only to store it again under a later id.
    else if (name === 'XDEL') facts.withdrawn(room)
    else if (name === 'UNLINK') facts.emptied(room, 'was cleared')
  }
}

function recordStored(facts: Facts, room: string, args: readonly string[], id: string): void {
  const data = args[args.indexOf('d') + 1] ?? ''
  const n = (JSON.parse(data) as { readonly n?: number }).n
  if (n === undefined) return
  const retain = args[1] === 'MAXLEN' ? Number(args[3]) : undefined
  facts.stored(room, id, n, retain)
}

function isEventLog(key: string): boolean {
  return key.endsWith('}:log') && key.includes('room')
}

/** The room that a key or a channel belongs to. */
export function roomOfName(name: string): string {
  const tag = /\{([^}]*)\}/.exec(name)?.[1] ?? ''
  return roomOf(decodeURIComponent(tag))
}
