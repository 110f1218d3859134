import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects all garbage, and says how many bytes of the heap are in use. */
export async function heapInUse(): Promise<number> {
  // Finalizers and closed sockets take turns of the event loop of their own.
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  collect()
  return process.memoryUsage().heapUsed
}
