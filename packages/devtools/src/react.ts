import { createElement, type ReactElement, useEffect, useRef } from 'react'
import type { Devtools, Panel, PanelOptions } from './devtools.ts'

/** A plugin of `@tanstack/react-devtools`. */
export interface ReactDevtoolsPlugin {
  readonly id: string
  readonly name: string
  /** Called by TanStack Devtools. */
  render(
    element: HTMLElement,
    props: { readonly theme: 'light' | 'dark'; readonly devtoolsOpen: boolean },
  ): ReactElement
}

/** The props of {@link DevtoolsPanel}. */
export interface DevtoolsPanelProps extends PanelOptions {
  readonly devtools: Devtools
}

/** Shows the panel of devtools. */
export function DevtoolsPanel({ devtools, theme, isOpen }: DevtoolsPanelProps): ReactElement {
  const element = useRef<HTMLDivElement>(null)
  const panel = useRef<Panel>(undefined)
  useEffect(() => {
    if (!element.current) return undefined
    const mounted = devtools.mount(element.current, { isOpen: false })
    panel.current = mounted
    return () => mounted.unmount()
  }, [devtools])
  useEffect(() => panel.current?.update({ theme, isOpen }))
  return createElement('div', { ref: element, style: { height: '100%' } })
}

/** Creates a plugin for `<TanStackDevtools plugins={[…]}>` of `@tanstack/react-devtools`. */
export function reactPlugin(devtools: Devtools): ReactDevtoolsPlugin {
  const { id, name } = devtools.plugin
  return {
    id,
    name,
    render: (_element, { theme, devtoolsOpen }) =>
      createElement(DevtoolsPanel, { devtools, theme, isOpen: devtoolsOpen }),
  }
}
