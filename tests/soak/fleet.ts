import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildServer } from '../support/child-server.ts'
import { type Door, openDoor } from '../support/door.ts'
import type { ProcessFigures } from './server.ts'

/** Server processes behind one address. */
export interface Fleet extends AsyncDisposable {
  readonly door: Door
  /** Kills a process as a crash would, and starts another after a while. */
  crash(index: number, downMs: number): Promise<void>
  /** Replaces a process as a deploy does: another one starts, then this one drains and exits. */
  deploy(index: number): Promise<void>
  /** Suspends a process. Its connections stay open, and nothing is answered. */
  freeze(index: number, forMs: number): Promise<void>
  /** Steps the clock of a process by an offset. */
  stepClock(index: number, offsetMs: number): void
  /** The resource use of the process that is never replaced. */
  figures(): Promise<ProcessFigures>
  readonly size: number
}

/** Options of {@link startFleet}. */
export interface FleetOptions {
  readonly size: number
  /** How many of them are never replaced. */
  readonly permanent: number
  /** Starts one. */
  start(): Promise<ChildServer>
}

/** Starts server processes. */
export async function startFleet({ size, permanent, start }: FleetOptions): Promise<Fleet> {
  const servers: Array<ChildServer | undefined> = await Promise.all(
    Array.from({ length: size }, start),
  )
  const ports = (): number[] => servers.flatMap((server) => (server ? [server.port] : []))
  const door = await openDoor(ports())
  const replaceable = (index: number): number => permanent + (index % (size - permanent))

  /** Removes a process from its slot, so that no other fault replaces it meanwhile. */
  function take(index: number): { readonly at: number; readonly server: ChildServer } | undefined {
    const at = replaceable(index)
    const server = servers[at]
    servers[at] = undefined
    return server && { at, server }
  }

  async function crash(index: number, downMs: number): Promise<void> {
    const taken = take(index)
    if (!taken) return
    // The load balancer notices only when the next process is ready.
    await taken.server.kill()
    await sleep(downMs)
    servers[taken.at] = await start()
    door.setPorts(ports())
  }

  async function deploy(index: number): Promise<void> {
    const taken = take(index)
    if (!taken) return
    const { at, server } = taken
    servers[at] = await start()
    door.setPorts(ports())
    const exit = once(server.child, 'exit')
    server.child.kill('SIGTERM')
    const isOver = await Promise.race([exit, sleep(10_000)])
    if (isOver === undefined) await server.kill()
  }

  return {
    door,
    size,
    crash,
    deploy,
    async freeze(index, forMs) {
      const child = servers[index % size]?.child
      child?.kill('SIGSTOP')
      await sleep(forMs)
      child?.kill('SIGCONT')
    },
    stepClock(index, offsetMs) {
      servers[index % size]?.child.send({ clockOffsetMs: offsetMs })
    },
    async figures() {
      const child = servers[0]?.child
      if (!child) throw new Error('The first process is gone.')
      child.send({})
      const [{ figures }] = (await once(child, 'message')) as [{ figures: ProcessFigures }]
      return figures
    },
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]()
      await Promise.all(servers.map((server) => server?.kill()))
    },
  }
}
