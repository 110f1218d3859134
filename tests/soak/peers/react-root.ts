import type { ReactNode } from 'react'
import { createRoot } from 'react-dom/client'

/**
 * Runs components that render nothing, without a browser. Returns a function that unmounts them.
 */
export function renderNothing(node: ReactNode): () => void {
  const ignored = (): void => {}
  const events = { addEventListener: ignored, removeEventListener: ignored }
  const ownerDocument = { ...events, nodeType: 9, activeElement: null }
  const container = { ...events, nodeType: 1, nodeName: 'DIV', tagName: 'DIV', ownerDocument }
  class HTMLIFrameElement {}
  Object.assign(globalThis, { window: globalThis, document: ownerDocument, HTMLIFrameElement })
  const root = createRoot(container as unknown as Element)
  root.render(node)
  return () => root.unmount()
}
