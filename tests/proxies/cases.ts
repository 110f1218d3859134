import { type AdapterCaseContext, adapterCases, canServe } from '@trpc-sse/server/testing'
import { it } from 'vitest'
import { mounts } from '../adapters/mounts.ts'
import { freePort } from '../support/redis.ts'

/** Runs the adapter cases with a proxy in front of an adapter. */
export function runCasesBehind(
  scheme: 'http' | 'https',
  startProxy: (appUrl: string, port: number) => Promise<AsyncDisposable>,
): void {
  const [standalone] = mounts
  const context: AdapterCaseContext = {
    extras: standalone?.extras ?? [],
    async serve(options) {
      if (!standalone) throw new Error('There is no adapter.')
      const app = await standalone.serve(options)
      const port = await freePort()
      const proxy = await startProxy(app.url, port)
      return {
        ...app,
        url: app.url.replace(new URL(app.url).origin, `${scheme}://127.0.0.1:${port}`),
        async close() {
          await proxy[Symbol.asyncDispose]()
          await app.close()
        },
      }
    },
  }
  // nginx doesn't pass on the header that asks it not to buffer.
  for (const adapterCase of adapterCases.filter(({ about }) => about !== 'nginx')) {
    it.runIf(canServe(context, adapterCase))(`${adapterCase.about}: ${adapterCase.name}`, () =>
      adapterCase.run(context),
    )
  }
}
