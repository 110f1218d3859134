import type { Tick } from '../payload.ts'

/** The deltas of one answer, which is never complete. */
export interface Answer<T> {
  readonly deltas: ReadableStream<T>
  push(delta: T): void
}

/** Creates the source of an answer. */
export function createAnswer<T = Tick>(): Answer<T> {
  let push = (_: T): void => {}
  const deltas = new ReadableStream<T>({
    start(controller) {
      push = (delta) => controller.enqueue(delta)
    },
  })
  return { deltas, push: (delta) => push(delta) }
}
