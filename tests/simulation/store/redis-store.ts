import type { Socket } from 'node:net'
import type { Redis } from 'ioredis'
import { chanceFor } from '../chance.ts'
import { SimulatedProcess } from '../process.ts'
import { createClient } from '../redis/connector.ts'
import type { Keyspace } from '../redis/keyspace.ts'
import { RedisModel } from '../redis/redis-model.ts'
import type { SessionServer } from '../redis/session.ts'
import type { Timeline } from '../timeline.ts'
import type { Trace } from '../trace.ts'
import { Facts } from './facts.ts'
import { RedisConnection } from './redis-connection.ts'
import { recordCommands, roomOfName } from './redis-facts.ts'
import type { OldMaster, RedisAccess, RedisServer } from './redis-server.ts'
import type { SimulatedStore, StoreConnectionOptions } from './store.ts'

/** The model of Redis that all instances share, each over connections of its own. */
export class RedisStore implements SimulatedStore, RedisServer, RedisAccess {
  readonly process: SimulatedProcess
  readonly facts: Facts
  readonly #model: RedisModel
  readonly #timeline: Timeline
  readonly #trace: Trace
  readonly #connections = new Set<RedisConnection>()
  #isDown = false
  /** What replicas have, while they lag behind. */
  #replica: Replica | undefined

  constructor(timeline: Timeline, trace: Trace, seed: number) {
    const chance = chanceFor(seed, 'store')
    this.facts = new Facts(trace)
    this.#timeline = timeline
    this.#trace = trace
    this.process = new SimulatedProcess({ name: 'store', timeline, chance, offsetMs: 0 })
    this.#model = new RedisModel({
      nowMicros: () => this.process.clock.now() * 1_000,
      onCommand: recordCommands(this.facts),
    })
  }

  get listeners(): number {
    return this.#model.channels().filter((channel) => this.facts.isRoom(roomOfName(channel))).length
  }

  get isDown(): boolean {
    return this.#isDown
  }

  get master(): SessionServer {
    const model = this.#model
    return {
      run: (command) => model.run(command),
      subscribe: (channel, onMessage) => model.subscribe(channel, onMessage),
    }
  }

  get replica(): SessionServer {
    const model = this.#model
    return {
      run(command) {
        model.isReadOnly = true
        const reply = model.run(command)
        model.isReadOnly = false
        return reply
      },
      subscribe: (channel, onMessage) => model.subscribe(channel, onMessage),
    }
  }

  leftovers(): readonly string[] {
    const open = [...this.#connections].reduce((sum, { sockets }) => sum + sockets, 0)
    const endless = this.#model.keys().filter(([, lifeMs]) => lifeMs === Infinity)
    return [
      ...(open > 0 ? [`Redis still has ${open} connections`] : []),
      ...endless.map(([name]) => `the key ${name} never expires`),
    ]
  }

  connect(options: StoreConnectionOptions): RedisConnection {
    const connection = new RedisConnection({ ...options, store: this })
    this.#connections.add(connection)
    return connection
  }

  createClient(open: (server: RedisServer) => Socket): Redis {
    return createClient(() => open(this))
  }

  flush(): void {
    this.#model.restore()
    this.facts.flushed()
  }

  /** Forgets the scripts that it knows. */
  forgetScripts(): void {
    this.#model.run(['SCRIPT', 'FLUSH'])
  }

  /** Has no memory left for a while. */
  fill(forMs: number): void {
    this.#model.isFull = true
    this.#timeline.after(forMs, () => {
      this.#model.isFull = false
    })
  }

  /** Drops a key of a room that wasn't used for long: its events, or what is known of its log. */
  evict(room: string, what: 'log' | 'last'): void {
    for (const [name] of this.#model.keys()) {
      if (roomOfName(name) !== room || !name.endsWith(`:${what}`)) continue
      this.#model.evict(name)
      this.facts.emptied(room, `lost its ${what} key`)
    }
  }

  /** Ends, and is there again after a while: with all keys, or without any. */
  restart(forMs: number, hasLog: boolean): void {
    this.#end('is gone', hasLog ? undefined : 'empty')
    this.#open(forMs)
  }

  /** Replicas have nothing of what is stored from now on; then one of them is promoted. */
  failOver(lagMs: number, forMs: number, oldMaster: OldMaster): void {
    if (this.#replica) return
    const { facts } = this
    const keys = this.#model.snapshot()
    this.#replica = { keys, lengths: facts.lengths(), resets: facts.resets }
    this.#timeline.after(lagMs, () => {
      const replica = this.#replica
      this.#replica = undefined
      // A log that was emptied meanwhile would have its events again.
      const isFresh = replica?.resets === facts.resets
      this.#end(oldMaster, isFresh ? replica : undefined)
      this.#open(forMs)
    })
  }

  #end(oldMaster: OldMaster, next: Replica | 'empty' | undefined): void {
    this.#isDown = true
    for (const connection of this.#connections) connection.masterEnds(oldMaster, this)
    if (next === 'empty') {
      this.#model.restart()
      this.facts.flushed()
    } else if (next) {
      this.#model.restart(next.keys)
      this.facts.failedOver(next.lengths)
    } else this.forgetScripts()
  }

  #open(afterMs: number): void {
    this.#timeline.after(afterMs, () => {
      this.#isDown = false
      this.#trace.add('store', 'accepts connections again')
    })
  }
}

interface Replica {
  readonly keys: Keyspace
  readonly lengths: ReadonlyMap<string, number>
  readonly resets: number
}
