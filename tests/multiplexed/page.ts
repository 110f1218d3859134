/** The script that runs in the browser. */
import { createTRPCClient, httpLink } from '@trpc/client'
import { type RetryPolicy, sseLink } from '@trpc-sse/client'
import type { NumbersRouter } from './app.ts'

const url = new URL('/trpc', location.href).href
const numbers: Record<string, number[]> = {}
const troubles: string[] = []
const shown: string[] = []
addEventListener('pageshow', ({ persisted }) => shown.push(persisted ? 'brought back' : 'loaded'))

/** The options of the link that a test can set, in the address. */
export interface PageOptions {
  readonly hiddenTimeoutMs?: number
  readonly retry?: RetryPolicy
  /** Whether the session storage keeps positions. */
  readonly persists?: boolean
}

const text = new URLSearchParams(location.search).get('link') ?? '{}'
const { persists, ...options } = JSON.parse(text) as PageOptions
const client = createTRPCClient<NumbersRouter>({
  links: [
    sseLink({
      url,
      onGap: (gap) => troubles.push(JSON.stringify(gap)),
      ...(persists && { persist: sessionStorage }),
      ...options,
    }),
    httpLink({ url }),
  ],
})

const page = {
  /** The numbers that have arrived from each log. */
  numbers,
  /** Gaps and errors, which an app would show its user. */
  troubles,
  /** How the page was shown each time: loaded, or brought back from the back/forward cache. */
  shown,
  /** Follows logs. Resolves when all subscriptions have started. */
  async follow(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(
        (name) =>
          new Promise<void>((resolve) => {
            const got: number[] = []
            numbers[name] = got
            client.onNumber.subscribe(
              { name },
              {
                onStarted: () => resolve(),
                onData: ({ data }) => got.push(data.n),
                onError: ({ message }) => troubles.push(message),
              },
            )
          }),
      ),
    )
  },
  /**
   * Follows logs with the browser's own EventSource. Resolves when as many are open as the browser
   * allows.
   */
  async followNatively(names: readonly string[]): Promise<void> {
    const opened = names.map((name) => {
      const input = encodeURIComponent(JSON.stringify({ name }))
      const source = new EventSource(`${url}/onNumber?input=${input}`)
      return new Promise((resolve) => source.addEventListener('connected', resolve))
    })
    await Promise.all(opened)
  },
  /** Calls the mutation. Rejects if it takes longer than `withinMs`. */
  add: (n: number, withinMs: number): Promise<number> =>
    client.add.mutate(n, { signal: AbortSignal.timeout(withinMs) }),
  protocol: (): string =>
    (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming).nextHopProtocol,
}

export type TestPage = typeof page
Object.assign(globalThis, { page })
