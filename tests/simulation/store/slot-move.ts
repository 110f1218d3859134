import type { ClusterNode } from '../redis/cluster/cluster-node.ts'
import { clusterHost } from '../redis/cluster/host.ts'
import { CommandError } from '../redis/reply.ts'
import type { Timeline } from '../timeline.ts'
import type { Trace } from '../trace.ts'

/** Options of {@link SlotMove}. */
export interface SlotMoveOptions {
  readonly slot: number
  readonly source: ClusterNode
  readonly target: ClusterNode
  readonly others: readonly ClusterNode[]
  readonly forMs: number
  readonly timeline: Timeline
  readonly trace: Trace
  /** How long it takes until another node hears of the new owner. */
  readonly gossipMs: () => number
  /** Whether both nodes can be reached. */
  readonly isUp: () => boolean
  /** Called when all nodes know the new owner. */
  readonly onOver: () => void
}

/** How many keys move one by one before the others follow. */
const keysMovedAlone = 7
/** When an operator tries again who can't reach a node, in milliseconds. */
const retryMs = 100

/** A slot that an operator moves to another node, by the commands of Redis. */
export class SlotMove {
  readonly slot: number
  readonly #options: SlotMoveOptions
  #moved = 0

  constructor(options: SlotMoveOptions) {
    this.#options = options
    this.slot = options.slot
    const { source, target, trace } = options
    trace.add('store', `slot ${this.slot} moves from ${source.port} to ${target.port}`)
    this.#when(0, () => this.#begin())
  }

  #begin(): void {
    const { source, target } = this.#options
    this.#run(target, ['CLUSTER', 'SETSLOT', `${this.slot}`, 'IMPORTING', source.id])
    this.#run(source, ['CLUSTER', 'SETSLOT', `${this.slot}`, 'MIGRATING', target.id])
    this.#next()
  }

  #next(): void {
    this.#when(this.#options.forMs / (keysMovedAlone + 1), () => {
      if (this.#moved++ === keysMovedAlone) this.#end()
      else {
        this.#migrate(this.#options.source.keysIn(this.slot).slice(0, 1))
        this.#next()
      }
    })
  }

  #end(): void {
    const { source, target, others, timeline, trace, gossipMs, onOver } = this.#options
    this.#migrate(source.keysIn(this.slot))
    const assign = (node: ClusterNode): void =>
      this.#run(node, ['CLUSTER', 'SETSLOT', `${this.slot}`, 'NODE', target.id])
    assign(target)
    assign(source)
    trace.add('store', `slot ${this.slot} is at ${target.port}`)
    let left = others.length
    for (const other of others)
      timeline.after(gossipMs(), () => {
        assign(other)
        left -= 1
        if (left === 0) onOver()
      })
  }

  #migrate(keys: readonly string[]): void {
    const { source, target } = this.#options
    if (keys.length === 0) return
    const options = ['', '0', '5000', 'REPLACE', 'KEYS', ...keys]
    this.#run(source, ['MIGRATE', clusterHost, `${target.port}`, ...options])
  }

  #run(node: ClusterNode, command: readonly string[]): void {
    const reply = node.run(command)
    if (reply instanceof CommandError) throw new Error(`${command.join(' ')}: ${reply.message}`)
  }

  /** Calls back after a delay, once both nodes can be reached. */
  #when(delayMs: number, call: () => void): void {
    const { timeline, isUp } = this.#options
    timeline.after(delayMs, () => (isUp() ? call() : this.#when(retryMs, call)))
  }
}
