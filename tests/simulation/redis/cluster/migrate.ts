import type { DumpedKey, RedisModel } from '../redis-model.ts'
import { CommandError, ok, type Reply, Status } from '../reply.ts'
import { slotOf } from './hash-slot.ts'
import { crossSlot, redirection } from './redirection.ts'
import type { SlotMap } from './slot-map.ts'

/** What MIGRATE needs of the node that has the keys. */
export interface MigrationSource {
  readonly id: string
  readonly slots: SlotMap
  readonly migrating: ReadonlyMap<number, string>
  readonly importing: ReadonlyMap<number, string>
  readonly model: RedisModel
  portOf(id: string): number
  peerAt(port: number): MigrationTarget | undefined
}

/** What MIGRATE needs of the node that gets the keys. */
export interface MigrationTarget {
  receive(name: string, key: DumpedKey, replaces: boolean): CommandError | undefined
}

/** MIGRATE host port key|"" db timeout [REPLACE] [KEYS key …]: moves keys to another node. */
export function migrate(source: MigrationSource, args: readonly string[]): Reply {
  const [, port, key = '', , , ...options] = args
  const words = options.map((word) => word.toUpperCase())
  const names = key === '' ? options.slice(words.indexOf('KEYS') + 1) : [key]
  const refusal = refusalOf(source, names)
  if (refusal) return refusal
  const target = source.peerAt(Number(port))
  if (!target) return new CommandError('IOERR error or timeout connecting to the client')
  const found = names.flatMap((name) => {
    const key = source.model.dump(name)
    return key === undefined ? [] : [{ name, key }]
  })
  if (found.length === 0) return new Status('NOKEY')
  const errors = found.flatMap(({ name, key: dumped }) => {
    const error = target.receive(name, dumped, words.includes('REPLACE'))
    if (error === undefined) source.model.evict(name)
    return error ?? []
  })
  const [first] = errors
  return first ? new CommandError(`ERR Target instance replied with error: ${first.message}`) : ok
}

/** MIGRATE works on the keys of this node if their slot is on its way. */
function refusalOf(source: MigrationSource, names: readonly string[]): CommandError | undefined {
  const slot = slotOf(names[0] ?? '')
  if (names.some((name) => slotOf(name) !== slot)) return crossSlot()
  const owner = source.slots.ownerOf(slot)
  const isOpen = source.migrating.has(slot) || source.importing.has(slot)
  return isOpen || owner === source.id
    ? undefined
    : redirection('MOVED', slot, source.portOf(owner))
}
