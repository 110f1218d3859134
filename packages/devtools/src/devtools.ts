import type { TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import type { SseLinkBaseOptions } from '@trpc-sse/client'
import type { Clock } from '@trpc-sse/protocol'

/** The options of `createDevtools`. */
export interface DevtoolsOptions {
  /**
   * Time, for tests.
   *
   * @default the system's
   */
  readonly clock?: Clock
}

/** How a panel is shown. */
export interface PanelOptions {
  /**
   * The panel's colors.
   *
   * @default the `color-scheme` of the element that it is in
   */
  readonly theme?: 'light' | 'dark' | undefined
  /**
   * Whether the panel is visible. A panel that isn't visible does no work.
   *
   * @default true
   */
  readonly isOpen?: boolean | undefined
}

/** A panel in a page. */
export interface Panel {
  /** Changes how the panel is shown. */
  update(options: PanelOptions): void
  /** Removes the panel. Subscriptions are still recorded. */
  unmount(): void
}

/** A plugin of TanStack Devtools without a framework. For React, see `reactPlugin`. */
export interface DevtoolsPlugin {
  readonly id: string
  readonly name: string
  /** Called by TanStack Devtools, again at each change of the theme. */
  render(
    element: HTMLElement,
    props: { readonly theme: 'light' | 'dark'; readonly devtoolsOpen: boolean },
  ): void
  /** Called by TanStack Devtools when the plugin is closed. */
  destroy(): void
}

/** Devtools for the subscriptions of a client. */
export interface Devtools {
  /** Creates the link that records subscriptions. Put it before `sseLink`. */
  link<TRouter extends AnyTRPCRouter>(): TRPCLink<TRouter>
  /**
   * Returns the options of `sseLink` with a `fetch` that records requests, and that the panel can
   * cut.
   */
  options<TOptions extends SseLinkBaseOptions>(options: TOptions): TOptions
  /** Shows the panel in an element. Panels are independent, and there may be several. */
  mount(element: HTMLElement, options?: PanelOptions): Panel
  /** The panel as a plugin of TanStack Devtools. */
  readonly plugin: DevtoolsPlugin
}
