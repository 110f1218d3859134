import { type Clock, elapsedTime } from '@trpc-sse/protocol'

/** The shortest time between two renderings, in milliseconds. */
const minIntervalMs = 100

/** Renders in the frames of a window, however often it is asked to. */
export class Renderer {
  readonly #view: Window
  readonly #clock: Clock
  readonly #elapsed: () => number
  readonly #render: () => void
  #lastMs = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined

  constructor(view: Window, clock: Clock, render: () => void) {
    this.#view = view
    this.#clock = clock
    this.#elapsed = elapsedTime(clock)
    this.#render = render
  }

  /** Renders in one of the next frames. A hidden page has none. */
  request(): void {
    if (this.#cancel) return
    const waitMs = Math.max(0, this.#lastMs + minIntervalMs - this.#elapsed())
    this.#cancel = this.#clock.after(waitMs, () => {
      const frame = this.#view.requestAnimationFrame(() => {
        this.#cancel = undefined
        this.#lastMs = this.#elapsed()
        this.#render()
      })
      this.#cancel = () => this.#view.cancelAnimationFrame(frame)
    })
  }

  /** Drops what was asked for. */
  cancel(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
