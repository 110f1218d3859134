import { Exchange } from './exchange.ts'
import type { Instance } from './instance.ts'
import type { Cut, Line } from './line.ts'
import type { SimulatedProcess } from './process.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

/** What a network is made of. */
export interface NetworkOptions {
  readonly timeline: Timeline
  readonly trace: Trace
  /** The instances that a load balancer sends requests to. */
  readonly instances: () => readonly Instance[]
}

/** Everything between the clients and the instances: a load balancer, proxies, and bad lines. */
export class SimulatedNetwork {
  readonly #options: NetworkOptions
  readonly #exchanges = new Map<string, Set<Exchange>>()

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /** Creates the `fetch` of a client's process. */
  fetchFor(
    process: SimulatedProcess,
    line: Line,
  ): (url: string, init: RequestInit) => Promise<Response> {
    const { timeline, trace, instances } = this.#options
    const open = this.#of(process.name)
    return (url: string, init: RequestInit): Promise<Response> => {
      const exchange = new Exchange({
        url,
        init,
        client: process,
        ...line,
        timeline,
        trace,
        instance: () => {
          const all = instances()
          return all.length === 0 ? undefined : line.chance.one(all)
        },
        onOver: () => open.delete(exchange),
      })
      open.add(exchange)
      return exchange.start()
    }
  }

  /** Cuts all connections of a client. */
  cut(name: string, how: Cut): void {
    for (const exchange of [...this.#of(name)]) exchange.cut(how)
  }

  /** Lets go on what was held back for a client. */
  release(name: string): void {
    for (const exchange of [...this.#of(name)]) exchange.release()
  }

  /** A process is gone: its system closes its sockets, or its machine is gone too. */
  processCrashed(process: SimulatedProcess, closesSockets: boolean): void {
    for (const exchanges of this.#exchanges.values())
      for (const exchange of [...exchanges]) exchange.processCrashed(process, closesSockets)
  }

  #of(name: string): Set<Exchange> {
    const existing = this.#exchanges.get(name)
    if (existing) return existing
    const exchanges = new Set<Exchange>()
    this.#exchanges.set(name, exchanges)
    return exchanges
  }
}
