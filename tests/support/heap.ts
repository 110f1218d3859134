import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects all garbage, and returns the bytes of the heap in use. */
export async function heapInUse(): Promise<number> {
  // Finalizers and closed sockets need turns of the event loop.
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  collect()
  return process.memoryUsage().heapUsed
}
