import { appRouter } from './app.ts'
import { Boards } from './boards.ts'
import { chanceFor } from './chance.ts'
import { SimulatedClient } from './client.ts'
import type { Follow } from './follow.ts'
import { Instance } from './instance.ts'
import { SimulatedNetwork } from './network.ts'
import type { Plan } from './plan.ts'
import { Producers } from './producers.ts'
import { Publisher } from './publisher.ts'
import { RareBranches } from './rare.ts'
import { MemoryStore } from './store/memory-store.ts'
import { RedisClusterStore } from './store/redis-cluster-store.ts'
import { RedisStore } from './store/redis-store.ts'
import { goodStoreConditions, type SimulatedStore, type StoreConditions } from './store/store.ts'
import { Timeline } from './timeline.ts'
import { Trace } from './trace.ts'
import type { Watch } from './watch.ts'

/** A server that is started again whenever it has ended. */
export interface Slot {
  readonly name: string
  readonly conditions: StoreConditions
  instance: Instance
  starts: number
}

const routers = new Map<number | undefined, ReturnType<typeof appRouter>>()

/** All that a plan needs: the store, the instances, the network, the clients and a publisher. */
export class World {
  readonly timeline: Timeline = new Timeline()
  readonly trace: Trace = new Trace(this.timeline)
  readonly store: SimulatedStore
  /** The store, if it is one of Redis. */
  readonly redis: RedisStore | undefined
  /** The store, if it is a Redis Cluster. */
  readonly cluster: RedisClusterStore | undefined
  readonly network: SimulatedNetwork
  readonly slots: readonly Slot[]
  readonly clients: readonly SimulatedClient[]
  readonly rare: RareBranches
  readonly producers: Producers
  readonly boards: Boards
  readonly publisher: Publisher
  /** What must not happen, and did. */
  readonly faults: string[] = []
  /** Every instance that there ever was. */
  readonly instances: Instance[] = []
  readonly #plan: Plan

  constructor(plan: Plan) {
    const { seed } = plan
    const { timeline, trace } = this
    this.#plan = plan
    this.rare = new RareBranches(plan, trace)
    this.producers = new Producers(trace)
    this.boards = new Boards(trace)
    const onFault = (what: string): void => {
      this.faults.push(what)
      trace.add('fault', what)
    }
    this.redis = plan.store === 'redis' ? new RedisStore(timeline, trace, seed) : undefined
    this.cluster =
      plan.store === 'cluster' ? new RedisClusterStore(timeline, trace, seed) : undefined
    this.store = this.redis ?? this.cluster ?? new MemoryStore(timeline, trace, seed)
    const instances = (): Instance[] =>
      this.slots.map(({ instance }) => instance).filter(({ isListed }) => isListed)
    this.network = new SimulatedNetwork({ timeline, trace, instances })
    this.slots = Array.from({ length: plan.instances }, (_, i) => {
      const name = `instance ${i + 1}`
      const conditions = goodStoreConditions()
      return { name, conditions, starts: 1, instance: this.#createInstance(name, 1, conditions) }
    })
    const chance = chanceFor(seed, 'publisher')
    this.publisher = new Publisher({ timeline, trace, chance, instances, onFault })
    this.clients = plan.modes.map(
      (mode, i) =>
        new SimulatedClient({
          name: `client ${i + 1}`,
          seed,
          timeline,
          network: this.network,
          trace,
          mode,
          onFault,
          rare: this.rare,
          nowMs: () => timeline.nowMs,
          momentOf: (room) => this.store.facts.momentOf(room),
        }),
    )
  }

  get hasRedis(): boolean {
    return this.redis !== undefined || this.cluster !== undefined
  }

  get follows(): Follow[] {
    return this.clients.flatMap(({ follows }) => follows)
  }

  get watches(): Watch[] {
    return this.clients.flatMap(({ watches }) => watches)
  }

  /** Starts the next process of a server. */
  restart(slot: Slot): void {
    slot.starts += 1
    slot.instance = this.#createInstance(slot.name, slot.starts, slot.conditions)
    this.trace.add(slot.name, `started, for the ${slot.starts}. time`)
  }

  #createInstance(name: string, start: number, conditions: StoreConditions): Instance {
    const { seed, config, maxDurationMs } = this.#plan
    const router = routers.get(maxDurationMs) ?? appRouter(maxDurationMs)
    routers.set(maxDurationMs, router)
    const instance = new Instance({
      name,
      seed: seed * 1_000 + start,
      timeline: this.timeline,
      store: this.store,
      conditions,
      config,
      router,
      trace: this.trace,
      rare: this.rare.of(name, start),
      onFault: (what) => this.faults.push(what),
    })
    this.instances.push(instance)
    return instance
  }
}
