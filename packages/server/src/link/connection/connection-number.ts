import { acrossCopies } from '../../shared-state.ts'

/** The number of connections that this process has had. */
const connections = acrossCopies('connections', () => ({ count: 0 }))

/** Returns the number of a new connection in its process, for traces. */
export function nextConnectionNumber(): number {
  connections.count += 1
  return connections.count
}
