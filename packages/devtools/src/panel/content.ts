import type { PanelChoices, PanelContext } from './context.ts'
import type { Elements } from './elements.ts'
import { createFrameList } from './frame-list.ts'
import { createHeader } from './header.ts'
import { createRequestList } from './request-list.ts'
import { createSubscriptionList } from './subscription-list.ts'
import { createTabs } from './tabs.ts'
import { createTimelineList } from './timeline-list.ts'

/** What a panel consists of. */
export interface Content {
  readonly elements: readonly HTMLElement[]
  render(): void
}

/** Creates the content of a panel. `onChoice` is called when its user has changed what is shown. */
export function createContent(
  context: PanelContext,
  elements: Elements,
  onChoice: () => void,
): Content {
  const choices: PanelChoices = { filter: '', selected: undefined, isPaused: false }
  /** Paused lists are rendered once more, for what the user has chosen. */
  let isChosen = true
  function choose(): void {
    isChosen = true
    onChoice()
  }
  const header = createHeader(context, choices, elements, choose)
  const filter = createFilter(elements, (text) => {
    choices.filter = text
    choose()
  })
  const views = {
    Subscriptions: createSubscriptionList(context, choices, elements, (record) => {
      choices.selected = record
      tabs.select('Timeline')
    }),
    Timeline: createTimelineList(context, choices, elements, choose),
    Frames: createFrameList(context, choices, elements),
    Requests: createRequestList(context, choices, elements),
  }
  const tabs = createTabs(views, filter, elements)
  tabs.select('Subscriptions')
  return {
    elements: [header.element, tabs.element],
    render() {
      header.render()
      if (choices.isPaused && !isChosen) return
      isChosen = false
      tabs.render()
    },
  }
}

function createFilter(elements: Elements, onFilter: (text: string) => void): HTMLInputElement {
  const input = elements.create('input', {
    attributes: { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter' },
  })
  input.addEventListener('input', () => onFilter(input.value.trim().toLowerCase()))
  return input
}
