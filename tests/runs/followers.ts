import { createTRPCClient, type TRPCLink } from '@trpc/client'
import type { RunItem } from '@trpc-sse/server'
import type { App, AppRouter, Kind } from './app.ts'

/** The result of a follower at the end of a run. */
export interface Outcome {
  readonly text: string
  /** The status of the last item, or the code of the error that ended the subscription. */
  readonly end: string
}

/** A follower of one run. */
export interface RunFollower {
  /** Resolves when the subscription has ended. */
  readonly outcome: Promise<Outcome>
  /** The text received so far. */
  text(): string
  /** Resolves when `items` items have arrived, or the subscription has ended. */
  received(items: number): Promise<void>
}

function collectText() {
  let resolveOutcome = (_: Outcome): void => {}
  const outcome = new Promise<Outcome>((resolve) => {
    resolveOutcome = resolve
  })
  const waiting: { readonly items: number; readonly resolve: () => void }[] = []
  let text = ''
  let status = 'no status'
  let items = 0
  const isReached = (wanted: number): boolean => items >= wanted
  const check = (): void => {
    for (const each of waiting) if (isReached(each.items)) each.resolve()
  }
  const follower: RunFollower = {
    outcome,
    text: () => text,
    received: (wanted) =>
      new Promise((resolve) => {
        waiting.push({ items: wanted, resolve })
        check()
      }),
  }
  return {
    follower,
    take(item: RunItem<string, string>): void {
      if (item.type === 'end') status = item.status
      if (item.type === 'fold') text = item.value
      if (item.type === 'delta') text += item.data
      items += 1
      check()
    },
    end(end = status): void {
      resolveOutcome({ text, end })
      items = Number.POSITIVE_INFINITY
      check()
    },
  }
}

/** Follows a run through a client link. */
export function followByLink(
  link: TRPCLink<AppRouter>,
  id: string,
  kind: Kind = 'answer',
): RunFollower {
  const client = createTRPCClient<AppRouter>({ links: [link] })
  const { follower, take, end } = collectText()
  const procedure = kind === 'answer' ? client.onAnswer : client.onRelay
  procedure.subscribe(
    { id },
    {
      onData: ({ data }) => take(data),
      onComplete: () => end(),
      onError: (error) => end(error.data?.code ?? error.message),
    },
  )
  return follower
}

/** Follows a run in this process. */
export function followByLoop({ channels }: App, id: string, kind: Kind = 'answer'): RunFollower {
  const { follower, take, end } = collectText()
  const following = (async () => {
    for await (const [, item] of channels[kind]({ id }).follow()) take(item)
  })()
  following.then(
    () => end(),
    (error: { code?: string }) => end(error.code ?? String(error)),
  )
  return follower
}
