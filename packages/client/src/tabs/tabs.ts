import type { ShareStream, TabSharing } from '../options/tab-sharing.ts'
import { globalTabs } from './environment.ts'
import type { ShareAcrossTabsOptions } from './options.ts'
import { Tab } from './tab.ts'

/**
 * Lets all tabs of the same origin and user share one connection, which one of the tabs has. When
 * that tab is closed, frozen or crashes, another one takes over, and every subscription resumes
 * where it was. Tabs share only if `url`, `connectionParams` and headers are equal. It needs a page
 * with Web Locks and BroadcastChannel; elsewhere each client has its own connection. In single mode
 * it does nothing.
 *
 * **Where cookies identify users, give `identity`**: else a tab could receive another user's
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
 * leading tab is the server: it opens streams there, sends its positions, and opens another stream
 * when that tab is gone. So a tab that takes over needs to know no other tab's positions.
 */
function shareStream(
  { onRole, environment = globalTabs(), ...options }: ShareAcrossTabsOptions,
  { settings, codec }: Parameters<ShareStream>[0],
): ReturnType<ShareStream> {
  let opList: Parameters<typeof settings.endpoint>[0]
  let hasReported = false
  const own = { ...settings, endpoint: () => settings.endpoint(opList) }
  const tab =
    environment &&
    new Tab({ ...options, ...(onRole && { onRole }), settings: own, codec, environment })

  return {
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
