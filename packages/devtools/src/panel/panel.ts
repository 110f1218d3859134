import type { Panel, PanelOptions } from '../devtools.ts'
import type { PanelChoices, PanelContext } from './context.ts'
import { Elements } from './elements.ts'
import { createHeader } from './header.ts'
import { Renderer } from './renderer.ts'
import { createRequestList } from './request-list.ts'
import { styles } from './styles.ts'
import { createSubscriptionList } from './subscription-list.ts'
import { createTabs } from './tabs.ts'
import { createTimelineList } from './timeline-list.ts'

/** How often the time until the network is back is shown again, in milliseconds. */
const countdownMs = 1_000

/** Shows a panel in an element, in a shadow root of its own. */
export function mountPanel(
  context: PanelContext,
  parent: HTMLElement,
  options: PanelOptions,
): Panel {
  const { ownerDocument: document } = parent
  const view = document.defaultView ?? window
  const elements = new Elements(document)
  const host = elements.create('div', { attributes: { 'data-trpc-sse-devtools': '' } })
  const root = host.attachShadow({ mode: 'open' })
  // A style element would need permission from a content security policy.
  const sheet = new view.CSSStyleSheet()
  sheet.replaceSync(styles)
  root.adoptedStyleSheets = [sheet]
  const content = createContent(context, elements, () => renderer.request())
  root.append(...content.children)
  parent.append(host)

  const renderer = new Renderer(view, context.clock, render)
  let unlisten: (() => void) | undefined
  let stopCountdown = (): void => {}
  function render(): void {
    content.render()
    stopCountdown()
    if (context.offline.isOffline)
      stopCountdown = context.clock.after(countdownMs, () => renderer.request())
  }
  function close(): void {
    unlisten?.()
    unlisten = undefined
    renderer.cancel()
    stopCountdown()
  }
  function update({ theme, isOpen = true }: PanelOptions): void {
    host.style.colorScheme = theme ?? ''
    if (!isOpen) {
      close()
      return
    }
    unlisten ??= context.recorder.onChange(() => renderer.request())
    renderer.request()
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

/** Creates what a panel consists of. */
function createContent(context: PanelContext, elements: Elements, onChoice: () => void) {
  const choices: PanelChoices = { filter: '', selected: undefined, isPaused: false }
  const header = createHeader(context, elements)
  const filter = elements.create('input', {
    attributes: {
      type: 'search',
      placeholder: 'Filter by path, input or status',
      'aria-label': 'Filter',
    },
  })
  filter.addEventListener('input', () => {
    choices.filter = filter.value.trim().toLowerCase()
    onChoice()
  })
  const tabs = createTabs(
    {
      Subscriptions: createSubscriptionList(context, choices, elements, (record) => {
        choices.selected = record
        tabs.select('Timeline')
      }),
      Timeline: createTimelineList(context, choices, elements, onChoice),
      Requests: createRequestList(context, choices, elements),
    },
    filter,
    elements,
  )
  tabs.select('Subscriptions')
  return {
    children: [header.element, tabs.element],
    render(): void {
      header.render()
      tabs.render()
    },
  }
}
