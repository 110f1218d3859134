/** What runs where there are no web streams. */
import { createTRPCClient, retryLink } from '@trpc/client'
import { type EventSourceConstructor, sseLink } from '@trpc-sse/client'
import type { LogsRouter } from './app.ts'

/** What a test can set of the link. */
export interface FollowerOptions {
  readonly EventSource: EventSourceConstructor
  readonly eventSourceOptions?: Readonly<Record<string, unknown>>
}

/** What an app has got. */
export interface Got {
  /** The numbers of each log. */
  readonly numbers: Record<string, number[]>
  /** What an app would tell its user: gaps and errors. */
  readonly troubles: string[]
  /** What the other subscriptions say. */
  readonly others: unknown[]
  /** How often it was connecting. */
  connects: number
}

/** An app that follows logs. */
export interface Follower {
  readonly got: Got
  /** Follows logs; resolves when all have started. */
  follow(names: readonly string[]): Promise<void>
  /** Follows the other subscriptions, to their end. */
  followOthers(): void
  /** Asks at an address where a gateway refuses everybody. */
  askGateway(): void
}

/** Creates an app of a server's router. */
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
