import { CommandError, ok, type Reply } from '../reply.ts'
import type { SlotMap } from './slot-map.ts'

/** What SETSLOT changes of a node. */
export interface SlotStates {
  readonly id: string
  readonly slots: SlotMap
  readonly migrating: Map<number, string>
  readonly importing: Map<number, string>
  portOf(id: string): number
  keysIn(slot: number): string[]
  leaveChannels(slot: number): void
}

/** CLUSTER SETSLOT: begins, ends and undoes the move of a slot, as far as this node is concerned. */
export function setSlot(node: SlotStates, args: readonly string[]): Reply {
  const [slotText, action = '', id = ''] = args
  const slot = Number(slotText)
  const isMine = node.slots.ownerOf(slot) === node.id
  const isKnown = node.portOf(id) !== 0
  const unknownNode = (): CommandError => new CommandError(`ERR I don't know about node ${id}`)
  switch (action.toUpperCase()) {
    case 'MIGRATING':
      if (!isMine) return new CommandError(`ERR I'm not the owner of hash slot ${slot}`)
      if (!isKnown) return unknownNode()
      node.migrating.set(slot, id)
      return ok
    case 'IMPORTING':
      if (isMine) return new CommandError(`ERR I'm already the owner of hash slot ${slot}`)
      if (!isKnown) return unknownNode()
      node.importing.set(slot, id)
      return ok
    case 'STABLE':
      node.migrating.delete(slot)
      node.importing.delete(slot)
      return ok
    case 'NODE':
      return isKnown ? assign(node, slot, id) : new CommandError(`ERR Unknown node ${id}`)
    default:
      return new CommandError(
        'ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP',
      )
  }
}

function assign(node: SlotStates, slot: number, id: string): Reply {
  const hasKeys = node.keysIn(slot).length > 0
  if (node.slots.ownerOf(slot) === node.id && id !== node.id && hasKeys)
    return new CommandError(
      `ERR Can't assign hashslot ${slot} to a different node while I still hold keys for this hash slot.`,
    )
  if (!hasKeys) node.migrating.delete(slot)
  node.leaveChannels(slot)
  node.slots.move(slot, id)
  if (id === node.id) node.importing.delete(slot)
  return ok
}
