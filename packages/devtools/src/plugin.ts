import type { Devtools, DevtoolsPlugin, Panel } from './devtools.ts'

/** Names the plugin in TanStack Devtools. */
export const pluginId = 'trpc-sse'
export const pluginName = 'tRPC subscriptions'

/** Creates a plugin for TanStack Devtools. */
export function createPlugin(mount: Devtools['mount']): DevtoolsPlugin {
  const panels = new Map<HTMLElement, Panel>()
  function unmount(isGone: (element: HTMLElement) => boolean): void {
    for (const [element, panel] of panels) {
      if (!isGone(element)) continue
      panel.unmount()
      panels.delete(element)
    }
  }
  return {
    id: pluginId,
    name: pluginName,
    render(element, { theme, devtoolsOpen }) {
      // Elements of a window that was closed are not announced.
      unmount((one) => one !== element && !one.isConnected)
      const options = { theme, isOpen: devtoolsOpen }
      const panel = panels.get(element)
      if (panel) panel.update(options)
      else panels.set(element, mount(element, options))
    },
    destroy: () => unmount(() => true),
  }
}
