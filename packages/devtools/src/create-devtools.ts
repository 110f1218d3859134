import type { SseLinkBaseOptions } from '@trpc-sse/client'
import { systemClock } from '@trpc-sse/protocol'
import type { Devtools, DevtoolsOptions } from './devtools.ts'
import { recordingLink } from './link.ts'
import { OfflineSwitch } from './network/offline.ts'
import { createRecordingFetch } from './network/recording-fetch.ts'
import { mountPanel } from './panel/panel.ts'
import { createPlugin } from './plugin.ts'
import { Recorder } from './record/recorder.ts'

/**
 * Creates devtools for one client: its subscriptions, their positions, gaps and reconnects.
 *
 * ```ts
 * const devtools = createDevtools()
 * createTRPCClient<AppRouter>({
 *   links: [devtools.link(), sseLink(devtools.options({ url })), httpBatchLink({ url })],
 * })
 * ```
 *
 * Bundles for production get devtools that do nothing.
 */
export function createDevtools({ clock = systemClock }: DevtoolsOptions = {}): Devtools {
  const recorder = new Recorder(clock)
  const offline = new OfflineSwitch(clock, recorder, announceNetwork)
  const requests = createRecordingFetch(recorder, offline)
  const mount: Devtools['mount'] = (element, options = {}) =>
    mountPanel({ recorder, offline, cut: requests.cut, clock }, element, options)
  return {
    link: () => recordingLink(recorder, offline),
    options: <TOptions extends SseLinkBaseOptions>(options: TOptions): TOptions => ({
      ...options,
      fetch: requests.wrap(options.fetch ?? ((url, init) => globalThis.fetch(url, init))),
    }),
    mount,
    plugin: createPlugin(mount),
  }
}

/** Wakes the client link, which listens to this event of the page. */
function announceNetwork(): void {
  if (globalThis.document) globalThis.dispatchEvent(new Event('online'))
}
