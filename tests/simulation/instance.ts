import { createServerLink, isRealtimeError, type ServerLink } from '@trpc-sse/server'
import {
  type AppChannels,
  type AppConfig,
  appChannels,
  type appRouter,
  plannedFailure,
} from './app.ts'
import { type Chance, chanceFor } from './chance.ts'
import { SimulatedProcess, type SimulatedProcessOptions } from './process.ts'
import type { SimulatedStore, StoreConditions, StoreConnection } from './store/store.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

/** What an instance is made of. */
export interface InstanceOptions {
  readonly name: string
  readonly seed: number
  readonly timeline: Timeline
  readonly store: SimulatedStore
  readonly conditions: StoreConditions
  readonly config: AppConfig
  readonly router: ReturnType<typeof appRouter>
  readonly trace: Trace
  readonly rare: SimulatedProcessOptions['rare']
  /** Called with what must not happen. */
  readonly onFault: (what: string) => void
}

/** One life of a server process, from its start to its end. */
export class Instance {
  readonly process: SimulatedProcess
  readonly channels: AppChannels
  readonly link: ServerLink
  readonly connection: StoreConnection
  readonly chance: Chance
  readonly generators: { open: number } = { open: 0 }
  /** Whether the load balancer sends new requests to it. */
  isListed = true

  constructor(options: InstanceOptions) {
    const { name, seed, timeline, store, conditions, config, router, rare, onFault } = options
    const chance = chanceFor(seed, name)
    this.chance = chance
    const offsetMs = chance.between(-2_000, 2_000)
    const process = new SimulatedProcess({ name, timeline, chance, offsetMs, rare })
    this.process = process
    const { clock } = process
    this.connection = store.connect({
      process,
      conditions,
      chance: chanceFor(seed, `${name} to the store`),
    })
    this.channels = appChannels(config, {
      clock,
      backend: this.connection.backend,
      onError: (error, { stage }) => {
        const isPlanned = error instanceof Error && error.message === plannedFailure
        if (stage !== 'gap' && !isPlanned && !isRealtimeError(error))
          onFault(`${name}: ${stage} failed with ${String(error)}`)
      },
    })
    this.link = createServerLink({
      router,
      channels: this.channels,
      clock,
      createContext: () => ({ channels: this.channels, generators: this.generators }),
      onError: ({ error }) => {
        if (error.code === 'INTERNAL_SERVER_ERROR' && !isRealtimeError(error.cause))
          onFault(`${name}: ${String(error.cause ?? error)}`)
      },
    })
  }

  get isUp(): boolean {
    return !this.process.hasCrashed
  }

  /** Ends it as a deploy does: streams are handed over, and then it is gone. */
  async deploy(overMs: number): Promise<void> {
    this.isListed = false
    await this.link.drain({ overMs })
    await this.channels.close()
    this.process.crash()
  }
}
