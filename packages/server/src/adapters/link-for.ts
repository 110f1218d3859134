import type { AnyTRPCRouter } from '@trpc/server'
import { createServerLink, RealtimeError, type ServerLink } from '../index.ts'
import { type Listener, onClose } from './listener.ts'
import { addLink, linksOf } from './router-links.ts'
import { isSame, settingsOf, withoutFunctions } from './settings.ts'

/** The maximum number of links of one app. It needs one for each combination of settings. */
const maxLinks = 100

/**
 * Returns the link of an app, for adapters that are called with each request. Creates the link at
 * the first request. An app is a router with its settings, on one listener if the adapter knows the
 * listener. Without a listener, an app ends when its link has drained: later requests belong to a
 * new app.
 *
 * @throws `INVALID_OPTION` if each request has different settings.
 */
export function linkFor(
  options: { readonly router: AnyTRPCRouter },
  listener?: Listener,
): ServerLink {
  const { router } = options
  const settings = settingsOf(options)
  const links = linksOf(router).filter(
    ({ retired, app }) => !retired && app?.listener === listener && app,
  )
  const found = links.find(({ app }) => isSame(app?.settings, settings))
  if (found) return found.link
  if (links.length >= maxLinks) throw tooManyLinks()
  const created = createServerLink<AnyTRPCRouter>({ ...withoutFunctions(options), router })
  const drain: ServerLink['drain'] = (how) => created.drain(how).finally(retire)
  const link = listener ? created : { ...created, drain }
  const added = addLink(router, { link, app: { settings, listener }, retired: false })
  function retire(): void {
    added.retired = true
  }
  if (listener) onClose(listener, retire)
  return link
}

function tooManyLinks(): RealtimeError {
  const message = `This router is served with ${maxLinks} different settings (channels, limits, times). Create channels once, outside of the handler, and give all requests of a mount the same settings.`
  return new RealtimeError('INVALID_OPTION', message)
}
