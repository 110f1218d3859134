import { createTRPCUntypedClient, type TRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { type FakeDevice, fakeDevice } from '../support/fake-device.ts'
import { type Chance, chanceFor } from './chance.ts'
import { Follow, type FollowParts, type Subscribed } from './follow.ts'
import { goodNetworkConditions, type NetworkConditions } from './line.ts'
import type { SimulatedNetwork } from './network.ts'
import { SimulatedProcess } from './process.ts'
import type { RareBranches } from './rare.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'
import { Watch, type Watched } from './watch.ts'
import { subscribedText, WirePositions } from './wire-positions.ts'

/** What a client is made of. */
export interface SimulatedClientOptions extends FollowParts {
  readonly name: string
  readonly seed: number
  readonly timeline: Timeline
  readonly network: SimulatedNetwork
  readonly trace: Trace
  readonly mode: 'multiplexed' | 'single'
  readonly rare: RareBranches
  readonly onFault: (what: string) => void
}

/** One person's page, which may be reloaded: each load is a process of its own. */
export class SimulatedClient {
  readonly name: string
  readonly conditions: NetworkConditions = goodNetworkConditions()
  readonly follows: Follow[] = []
  readonly watches: Watch[] = []
  readonly #options: SimulatedClientOptions
  readonly #chance: Chance
  #loads = 0
  #process: SimulatedProcess
  #client: TRPCUntypedClient<AnyTRPCRouter>
  #device: FakeDevice = fakeDevice()
  #positions = new WirePositions(() => {})

  constructor(options: SimulatedClientOptions) {
    this.#options = options
    this.name = options.name
    this.#chance = chanceFor(options.seed, options.name)
    this.#process = this.#createProcess()
    this.#client = this.#load()
  }

  get process(): SimulatedProcess {
    return this.#process
  }

  get device(): FakeDevice {
    return this.#device
  }

  /** Adds a subscription. */
  follow(subscribed: Subscribed): Follow {
    const { path, rooms } = subscribed
    const name = `${path} ${rooms.join('+')} #${this.follows.length + 1}`
    const shares = this.#options.mode === 'multiplexed'
    const follow = new Follow(this.#options, this.name, name, subscribed, shares)
    this.follows.push(follow)
    this.#start(follow)
    return follow
  }

  /** Adds a subscription to something else than a room. */
  watch(watched: Watched): Watch {
    const { nowMs, trace } = this.#options
    const name = `${watched.path} ${watched.name} #${this.watches.length + 1}`
    const watch = new Watch({ nowMs, trace, client: this.name, name, watched })
    this.watches.push(watch)
    watch.start(this.#client)
    return watch
  }

  #start(follow: Follow): void {
    const text = subscribedText(follow.subscribed.path, follow.input)
    const positions = this.#positions
    follow.start(this.#client, () => positions.has(text))
  }

  /** Loads the page again: what has a position resumes, the rest starts anew. */
  reload(closesSockets: boolean): void {
    const wanted = this.follows.filter(({ isWanted }) => isWanted)
    const watched = this.watches.filter(({ isWanted, isOver }) => isWanted && !isOver)
    for (const lost of [...wanted, ...watched]) lost.lose()
    this.#process.crash()
    this.#options.network.processCrashed(this.#process, closesSockets)
    this.#process = this.#createProcess()
    this.#client = this.#load()
    for (const follow of wanted) {
      if (follow.isWanted) this.#start(follow)
      else this.follow(follow.subscribed)
    }
    for (const watch of watched) watch.start(this.#client)
  }

  #createProcess(): SimulatedProcess {
    const { name, timeline } = this.#options
    this.#loads += 1
    const rare = this.#options.rare.of(name, this.#loads)
    const offsetMs = this.#chance.between(-100_000, 100_000)
    return new SimulatedProcess({ name, timeline, chance: this.#chance, offsetMs, rare })
  }

  #load(): TRPCUntypedClient<AnyTRPCRouter> {
    const { network, mode, onFault, name } = this.#options
    const process = this.#process
    this.#device = fakeDevice()
    this.#positions = new WirePositions((subscribed) => this.#positioned(subscribed))
    const link = sseLink<AnyTRPCRouter>({
      url: 'http://simulated',
      mode,
      device: this.#device,
      clock: process.clock,
      fetch: network.fetchFor(process, {
        conditions: this.conditions,
        chance: this.#chance,
        positions: this.#positions,
      }),
      onError: (error, { stage }) => onFault(`${name}: ${stage} threw ${String(error)}`),
      onFallback: ({ status }) => onFault(`${name} fell back to single mode after ${status}`),
    })
    return createTRPCUntypedClient({ links: [link] })
  }

  #positioned(subscribed: string): void {
    for (const follow of this.follows) {
      const { path } = follow.subscribed
      if (subscribedText(path, follow.input) === subscribed) follow.positioned()
    }
  }
}
