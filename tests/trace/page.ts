/** The script of a page that traces its subscription. */
import { createTRPCUntypedClient } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { traceLink } from '@trpc-sse/client/trace'
import { recordSteps } from './recorder.ts'

const { steps, trace } = recordSteps()
const client = createTRPCUntypedClient({
  links: [traceLink(trace), sseLink({ url: new URL('/trpc', location.href).href })],
})
const page = {
  steps,
  /** Follows the room. Resolves when the subscription has started. */
  follow: (): Promise<void> =>
    new Promise((resolve) => {
      client.subscription('onMessage', { id: 'a' }, { onStarted: () => resolve(), onData() {} })
    }),
}

export type TracingPage = typeof page
Object.assign(globalThis, { page })
