import type { Plan } from '../plan.ts'

/** A bug that is put into the source of a package, to see whether the simulator finds it. */
export interface Plant {
  readonly name: string
  /** The first seed that finds it, when it was last looked for. */
  readonly seed: number
  /** What it does, and which race or fix it stands for. */
  readonly about: string
  /** The file, from the folder of the packages. */
  readonly file: string
  /** The store without which it does nothing, if its file doesn't show that. */
  readonly store?: Plan['store']
  /** What is replaced; it must be there once. */
  readonly find: string
  readonly replace: string
}
