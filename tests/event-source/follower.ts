/** An app for runtimes without web streams. */
import { createTRPCClient, retryLink } from '@trpc/client'
import { type EventSourceConstructor, sseLink } from '@trpc-sse/client'
import type { LogsRouter } from './app.ts'

/** The options of the link that a test can set. */
export interface FollowerOptions {
  readonly EventSource: EventSourceConstructor
  readonly eventSourceOptions?: Readonly<Record<string, unknown>>
}

/** Everything that an app has received. */
export interface Got {
  /** The numbers of each log. */
  readonly numbers: Record<string, number[]>
  /** Gaps and errors, which an app would show its user. */
  readonly troubles: string[]
  /** The events of the other subscriptions. */
  readonly others: unknown[]
  /** How often a subscription was `connecting`. */
  connects: number
}

/** An app that follows logs. */
export interface Follower {
  readonly got: Got
  /** Follows logs. Resolves when all subscriptions have started. */
  follow(names: readonly string[]): Promise<void>
  /** Follows the other subscriptions, to their end. */
  followOthers(): void
  /** Subscribes at an address where a gateway refuses all requests. */
  askGateway(): void
}

/** Creates an app that uses a server's router. */
export function createFollower(origin: string, options: FollowerOptions): Follower {
  const got: Got = { numbers: {}, troubles: [], others: [], connects: 0 }
  let token = 'first'
  const clientOf = (path: string) =>
    createTRPCClient<LogsRouter>({
      links: [
        retryLink({
          retry({ error }) {
            if (error.message !== 'expired' || token !== 'first') return false
            token = 'second'
            return true
          },
        }),
        sseLink({
          url: `${origin}${path}`,
          connectionParams: () => ({ token }),
          headers: { 'x-app': 'follower' },
          onGap: ({ reason }) => got.troubles.push(reason),
          ...options,
        }),
      ],
    })
  const client = clientOf('/trpc')
  const onError = ({ message }: Error): unknown => got.troubles.push(message)
  return {
    got,
    async follow(names) {
      const all = names.map((name) => {
        const numbers: number[] = []
        got.numbers[name] = numbers
        return new Promise<void>((resolve) => {
          client.onNumber.subscribe(
            { name },
            {
              onStarted: () => resolve(),
              onData: ({ data }) => numbers.push(data),
              onError,
              onConnectionStateChange: ({ state }) => {
                if (state === 'connecting') got.connects += 1
              },
            },
          )
        })
      })
      await Promise.all(all)
    },
    followOthers() {
      const onData = (data: unknown): unknown => got.others.push(data)
      client.onMood.subscribe(undefined, { onData, onComplete: () => onData('complete') })
      client.onSecret.subscribe(undefined, { onData, onError: ({ data }) => onData(data?.code) })
    },
    askGateway: () => void clientOf('/trpc/~gateway').onMood.subscribe(undefined, { onError }),
  }
}
