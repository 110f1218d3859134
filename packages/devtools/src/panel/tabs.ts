import type { View } from './context.ts'
import type { Elements } from './elements.ts'

/** Tabs, of which one is shown. */
export interface Tabs extends View {
  /** Shows a tab. */
  select(name: string): void
}

/**
 * Creates tabs from views by name, with `control` beside their buttons. Only the selected one is
 * rendered.
 */
export function createTabs(
  views: Readonly<Record<string, View>>,
  control: HTMLElement,
  elements: Elements,
): Tabs {
  const names = Object.keys(views)
  let selected = names[0] ?? ''
  const buttons = names.map((name) => {
    const button = elements.button(name, () => select(name))
    button.setAttribute('role', 'tab')
    return button
  })
  const panels = names.map((name) =>
    elements.create('div', {
      class: 'list',
      attributes: { role: 'tabpanel', 'aria-label': name, tabindex: '0' },
      children: [views[name]?.element ?? elements.create('div')],
    }),
  )
  const list = elements.create('div', {
    class: 'tabs',
    attributes: { role: 'tablist', 'aria-label': 'Views' },
    children: buttons,
  })
  list.addEventListener('keydown', ({ key }) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[key]
    if (steps === undefined) return
    const next = (names.indexOf(selected) + steps + names.length) % names.length
    select(names[next] ?? selected)
    buttons[next]?.focus()
  })
  function select(name: string): void {
    selected = name
    for (const [index, button] of buttons.entries()) {
      const isSelected = names[index] === name
      button.setAttribute('aria-selected', `${isSelected}`)
      button.tabIndex = isSelected ? 0 : -1
      const panel = panels[index]
      if (panel) panel.hidden = !isSelected
    }
    render()
  }
  const render = (): void => views[selected]?.render()
  const bar = elements.create('div', { class: 'bar', children: [list, control] })
  const element = elements.create('div', { class: 'views', children: [bar, ...panels] })
  return { element, render, select }
}
