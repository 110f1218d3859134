import { setTimeout } from 'node:timers/promises'

/** Yields words until the signal aborts. */
export async function* endless({ signal }: { readonly signal: AbortSignal }) {
  for (let word = 0; !signal.aborted; word++) {
    yield `${word} `
    await setTimeout(10)
  }
}
