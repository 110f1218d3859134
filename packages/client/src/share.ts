import { elapsedTime, RealtimeError, shortHash } from '@trpc-sse/protocol'
import type { ShareAcrossTabsOptions } from './options/options.ts'
import type { Codec } from './set/observer.ts'
import { createSet, type SetOptions } from './set/set.ts'
import type { TabsTools } from './tabs/tools.ts'
import type { Fetch } from './transport/fetch.ts'

const tools: TabsTools = { createSet, shortHash, elapsedTime, RealtimeError }

/** Makes a set get its streams from the one that all tabs share. What that needs is loaded at the first request. */
export function acrossTabs(
  settings: SetOptions,
  codec: Codec,
  sharing: true | ShareAcrossTabsOptions,
): SetOptions {
  let opList: Parameters<SetOptions['endpoint']>[0]
  let loading: Promise<Fetch> | undefined

  async function load(): Promise<Fetch> {
    try {
      const { shareTabs } = await import('./tabs/tabs.ts')
      const own: SetOptions = { ...settings, endpoint: () => settings.endpoint(opList) }
      return shareTabs({ tools, settings: own, codec, sharing })
    } catch {
      if (sharing !== true) queueMicrotask(() => sharing.onRole?.('alone'))
      return settings.fetch
    }
  }

  return {
    ...settings,
    endpoint(ops) {
      opList = ops
      return settings.endpoint(ops)
    },
    async fetch(url, init) {
      loading ??= load()
      return (await loading)(url, init)
    },
  }
}
