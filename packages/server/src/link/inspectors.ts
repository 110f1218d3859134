import { RealtimeError } from '@trpc-sse/protocol'
import { acrossCopies } from '../shared-state.ts'
import type { Inspection, Inspector } from './inspection.ts'
import type { LinkParts } from './link-parts.ts'

/** Attaches an inspector to a link. */
export type AttachInspector = (parts: LinkParts) => Inspection

// The link doesn't import the inspector, so an app that doesn't use it doesn't bundle it.
const inspectors = acrossCopies('inspectors', () => new WeakMap<object, AttachInspector>())

/** Creates an inspector that links can attach. */
export function createInspector<TContext>(attach: AttachInspector): Inspector<TContext> {
  const inspector = Object.freeze(new InspectorHandle())
  inspectors.set(inspector, attach)
  return inspector
}

/** An object that settings compare by its identity, unlike a literal. */
class InspectorHandle {}

/**
 * Returns the parts of a link with its inspector attached. Throws `INVALID_OPTION` for a value that
 * `inspector()` didn't return.
 */
export function withInspection(parts: LinkParts, inspector: object | undefined): LinkParts {
  if (inspector === undefined) return parts
  const attach = inspectors.get(inspector)
  if (attach) return { ...parts, inspection: attach(parts) }
  const message =
    'createServerLink(): inspector is no inspector. Give the result of inspector() of @trpc-sse/server/inspector.'
  throw new RealtimeError('INVALID_OPTION', message)
}
