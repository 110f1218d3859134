import type { ShareStream, TabSharing } from '../options/tab-sharing.ts'
import { globalTabs } from './environment.ts'
import type { ShareAcrossTabsOptions } from './options.ts'
import { Tab } from './tab.ts'

/**
 * Makes all tabs of the same origin and user share one connection, which one of the tabs holds.
 * When that tab is closed, frozen or crashes, another one takes over, and every subscription
 * resumes from its position. Tabs share only if `url`, `connectionParams` and headers are equal.
 * Sharing needs a page with Web Locks and BroadcastChannel. Elsewhere, each client has its own
 * connection. In single mode, it has no effect.
 *
 * **If cookies identify users, pass an `identity`.** Otherwise, a tab could receive another user's
 * events.
 *
 * ```ts
 * sseLink({ url: '/trpc', shareAcrossTabs: tabs({ identity: () => session.userId }) })
 * ```
 */
export function tabs(options: ShareAcrossTabsOptions = {}): TabSharing {
  return { share: (parts) => shareStream(options, parts) } satisfies { share: ShareStream }
}

/**
 * Gives the link another `fetch`, whose answers come from one stream for all tabs. To the link, the
 * leading tab is the server: the link opens streams there, sends its positions, and opens another
 * stream when that tab is gone. So a tab that takes over doesn't need to know the positions of
 * other tabs.
 */
function shareStream(
  { onRole, environment = globalTabs(), ...options }: ShareAcrossTabsOptions,
  { settings, codec }: Parameters<ShareStream>[0],
): ReturnType<ShareStream> {
  let opList: Parameters<typeof settings.endpoint>[0]
  let hasReported = false
  let report = (_error: unknown): void => {}
  const own = { ...settings, endpoint: () => settings.endpoint(opList) }
  const tab =
    environment &&
    new Tab({
      ...options,
      ...(onRole && { onRole }),
      settings: own,
      codec,
      environment,
      onDelayed: (error) => report(error),
    })

  return {
    onDelayed(listener) {
      report = listener
    },
    endpoint(ops) {
      opList = ops
      return settings.endpoint(ops)
    },
    async fetch(url, init) {
      if (tab) return tab.fetch(url, init)
      if (!hasReported) queueMicrotask(() => onRole?.('alone'))
      hasReported = true
      return settings.fetch(url, init)
    },
  }
}
