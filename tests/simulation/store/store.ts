import type { Backend } from '@trpc-sse/server'
import type { Chance } from '../chance.ts'
import type { SimulatedProcess } from '../process.ts'
import type { Facts } from './facts.ts'

/** The storage that all instances share. What an instance sees of it goes through a connection. */
export interface SimulatedStore {
  /** Its machine, with a clock of its own. */
  readonly process: SimulatedProcess
  readonly facts: Facts
  /** How many listeners rooms have; those of the links themselves stay. */
  readonly listeners: number
  /** What must not be there in the end, once all instances are closed. */
  leftovers(): readonly string[]
  connect(options: StoreConnectionOptions): StoreConnection
  /** Forgets everything; connections stay. */
  flush(): void
}

/** What a connection to the store is made of. */
export interface StoreConnectionOptions {
  readonly process: SimulatedProcess
  readonly conditions: StoreConditions
  readonly chance: Chance
}

/** The store, as one instance has it. */
export interface StoreConnection {
  readonly backend: Backend
  /** Cuts the connection for hints. */
  interrupt(forMs: number): void
  /** The conditions have changed. */
  disturbed(): void
  /** The conditions are good again. `wasDown` says that nothing reached the store. */
  healed(wasDown: boolean): void
}

/** What is wrong between one instance and the store, for now. */
export interface StoreConditions {
  /** Nothing reaches the store. */
  isDown: boolean
  /** Half of the answers to appends are lost, though they are done. */
  losesAnswers: boolean
  /** How much longer everything takes. */
  slowness: number
  /** Hints are lost, and nobody notices. */
  isDeaf: boolean
  /** Hints come twice. */
  repeatsHints: boolean
}

/** Creates the conditions of a good day. */
export function goodStoreConditions(): StoreConditions {
  return { isDown: false, losesAnswers: false, slowness: 1, isDeaf: false, repeatsHints: false }
}

/** How long a backend tries before it says that the store can't be reached, in milliseconds. */
export const commandTimeoutMs = 2_000

/** The room that a log is of. */
export function roomOf(key: string): string {
  return /"room":"(\w+)"/.exec(key)?.[1] ?? key
}
