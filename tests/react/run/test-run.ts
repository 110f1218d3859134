import type {
  CaughtUpItem,
  DeltaItem,
  EndItem,
  FoldItem,
  LiveHandlers,
  LiveSubscription,
} from '@trpc-sse/react'

/** An item of a run of texts. */
export type Item = FoldItem<string> | DeltaItem<string> | CaughtUpItem | EndItem
/** An item of such a run without a fold. */
export type ListItem = Exclude<Item, FoldItem<string>>

/** A call of `subscribe`. */
interface Call {
  /** The position to start after. */
  readonly from: string
  isOver: boolean
  readonly handlers: LiveHandlers<unknown, Error>
}

/** A run of texts, for which the test acts as the server. */
export class TestRun<TItem = Item> {
  readonly calls: Call[] = []
  readonly #key: string
  #position = 0

  constructor(key = 'a') {
    this.#key = key
  }

  /** The calls that are not over. */
  get open(): Call[] {
    return this.calls.filter(({ isOver }) => !isOver)
  }

  /** Creates the subscription that a component follows. */
  subscription(
    options: Partial<LiveSubscription<TItem, Error>> = {},
  ): LiveSubscription<TItem, Error> {
    return {
      queryKey: [this.#key],
      subscribe: (handlers) => {
        const from = handlers.context.lastEventId
        const call: Call = { from, isOver: false, handlers: handlers as Call['handlers'] }
        this.calls.push(call)
        return {
          unsubscribe() {
            call.isOver = true
          },
        }
      },
      ...options,
    }
  }

  connect(): void {
    this.#each(({ onConnectionStateChange }) =>
      onConnectionStateChange({ state: 'pending', error: null }),
    )
  }

  loseConnection(error: Error): void {
    this.#each(({ onConnectionStateChange }) =>
      onConnectionStateChange({ state: 'connecting', error }),
    )
  }

  fold(value: string): void {
    this.#position += 1
    this.#send({ type: 'fold', value })
  }

  say(data: string): void {
    this.#position += 1
    this.#send({ type: 'delta', data })
  }

  catchUp(): void {
    this.#send({ type: 'caught-up' })
  }

  end(status: EndItem['status'], reason?: string): void {
    this.#send({ type: 'end', status, ...(reason !== undefined && { reason }) })
  }

  /** Completes the subscription, as links do after the end. */
  complete(): void {
    this.#each(({ onConnectionStateChange }) =>
      onConnectionStateChange({ state: 'idle', error: null }),
    )
  }

  fail(error: Error): void {
    this.#each(({ onError }) => onError(error))
  }

  #send(data: Item): void {
    this.#each(({ onData }) => onData({ id: `${this.#position}-0`, data }))
  }

  #each(call: (handlers: Call['handlers']) => void): void {
    for (const { handlers } of this.open) call(handlers)
  }
}
