import type { ReactNode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'

/** A root of components that render nothing. */
export interface HeadlessRoot extends Disposable {
  readonly root: Root
}

/** Options of {@link createHeadlessRoot}. */
export interface HeadlessOptions {
  /** Hydrates this node instead of creating an empty root. */
  readonly hydrate?: ReactNode
  /** Called with errors that components throw while they render. */
  readonly onError?: (error: unknown) => void
}

/**
 * Creates a root for components that render nothing, without a browser. While it exists, the process
 * has a `window` and a `document`.
 */
export function createHeadlessRoot({ hydrate, onError }: HeadlessOptions = {}): HeadlessRoot {
  const ignored = (): void => {}
  const events = { addEventListener: ignored, removeEventListener: ignored }
  const ownerDocument = { ...events, nodeType: 9, activeElement: null }
  const container = {
    ...events,
    nodeType: 1,
    nodeName: 'DIV',
    tagName: 'DIV',
    ownerDocument,
    firstChild: null,
  } as unknown as Element
  class HTMLIFrameElement {}
  const restore = setGlobals({ window: globalThis, document: ownerDocument, HTMLIFrameElement })
  const options = onError && { onUncaughtError: onError, onCaughtError: onError }
  const root =
    hydrate === undefined
      ? createRoot(container, options)
      : hydrateRoot(container, hydrate, options)
  return { root, [Symbol.dispose]: restore }
}

/** Sets global variables. Returns a function that restores their values. */
export function setGlobals(values: Readonly<Record<string, unknown>>): () => void {
  const before = Object.keys(values).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  )
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
  return () => {
    for (const [name, descriptor] of before)
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      else Reflect.deleteProperty(globalThis, name)
  }
}
