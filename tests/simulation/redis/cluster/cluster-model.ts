import type { RedisModelOptions } from '../redis-model.ts'
import { ClusterNode } from './cluster-node.ts'
import { SlotMap } from './slot-map.ts'

/** The name and the place of a node. */
export interface NodeAddress {
  readonly id: string
  readonly port: number
}

/** Options of {@link ClusterModel}. */
export interface ClusterModelOptions extends Pick<RedisModelOptions, 'nowMicros' | 'onCommand'> {
  /** The masters, which share the slots equally. */
  readonly masters: readonly NodeAddress[]
  /** Nodes without slots. */
  readonly others?: readonly NodeAddress[]
}

/** A Redis Cluster in memory: its nodes, and what they know of each other. */
export class ClusterModel {
  readonly nodes: readonly ClusterNode[]

  constructor({ masters, others = [], ...options }: ClusterModelOptions) {
    const ids = masters.map(({ id }) => id)
    this.nodes = [...masters, ...others].map(
      (address) =>
        new ClusterNode({
          ...options,
          ...address,
          slots: new SlotMap(ids),
          peers: () => this.nodes,
        }),
    )
  }

  /** The node at a port. */
  at(port: number): ClusterNode {
    const node = this.nodes.find((each) => each.port === port)
    if (!node) throw new Error(`No node has the port ${port}.`)
    return node
  }
}
