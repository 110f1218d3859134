import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Server processes behind the load balancer. */
export interface Instances {
  /** The ports of the instances that accept requests. */
  ports(): readonly number[]
  close(): Promise<void>
}

/**
 * Starts `count` server processes, and restarts those that exit. Resolves when all accept requests.
 */
export async function startInstances(count: number): Promise<Instances> {
  const running = new Map<number, ChildProcess>()
  const ports = new Map<number, number>()
  let closing = false

  async function start(instance: number): Promise<void> {
    const env = { ...process.env, DEMO_INSTANCE: `${instance}`, DEMO_INSTANCES: `${count}` }
    const child = fork(join(import.meta.dirname, 'instance-process.ts'), { env })
    running.set(instance, child)
    child.once('exit', () => {
      ports.delete(instance)
      running.delete(instance)
      if (!closing) setTimeout(restart, 500, instance)
    })
    child.on('message', ({ port }: { readonly port?: number }) => {
      if (port === undefined) ports.delete(instance)
      else ports.set(instance, port)
    })
    await once(child, 'message')
  }

  function restart(instance: number): void {
    if (closing) return
    start(instance).catch((error: unknown) =>
      console.error(`Instance ${instance} does not start`, error),
    )
  }

  await Promise.all(Array.from({ length: count }, (_, i) => start(i + 1)))
  return {
    ports: () => [...ports.values()],
    async close() {
      closing = true
      const children = [...running.values()]
      await Promise.all(
        children.map(async (child) => {
          const exit = once(child, 'exit')
          child.kill('SIGTERM')
          await exit
        }),
      )
    },
  }
}
