import type { Panel, PanelOptions } from '../devtools.ts'
import { createContent } from './content.ts'
import type { PanelContext } from './context.ts'
import { Elements } from './elements.ts'
import { Renderer } from './renderer.ts'
import { adoptStyles } from './styles.ts'

/** How often the time until the network is back is shown again, in milliseconds. */
const countdownMs = 1_000

/** Shows a panel in an element, in a shadow root of its own. */
export function mountPanel(
  context: PanelContext,
  parent: HTMLElement,
  options: PanelOptions,
): Panel {
  const { clock, offline, recorder } = context
  const elements = new Elements(parent.ownerDocument)
  const host = elements.create('div', { attributes: { 'data-trpc-sse-devtools': '' } })
  const root = host.attachShadow({ mode: 'open' })
  const content = createContent(context, elements, () => renderer.request())
  root.append(...content.elements)
  parent.append(host)

  const renderer = new Renderer(host, clock, render)
  let unlisten: (() => void) | undefined
  let stopCountdown = (): void => {}
  function render(): void {
    // TanStack Devtools can move the panel to a window of its own.
    adoptStyles(root)
    content.render()
    stopCountdown()
    if (offline.isOffline) stopCountdown = clock.after(countdownMs, () => renderer.request())
  }
  function close(): void {
    unlisten?.()
    unlisten = undefined
    renderer.cancel()
    stopCountdown()
  }
  function update({ theme, isOpen = true }: PanelOptions): void {
    host.style.colorScheme = theme ?? ''
    if (isOpen) {
      unlisten ??= recorder.onChange(() => renderer.request())
      renderer.request()
    } else close()
  }
  update(options)
  return {
    update,
    unmount() {
      close()
      host.remove()
    },
  }
}
