import type { ShareAcrossTabsOptions, TabRole } from '../options/options.ts'
import type { Codec } from '../set/observer.ts'
import type { SetOptions } from '../set/set.ts'
import type { Fetch } from '../transport/fetch.ts'
import { globalTabs } from './environment.ts'
import { type Group, joinGroup } from './group.ts'
import { createLeader } from './leader.ts'
import { initialRole, nextRole, type Role, type RoleEvent } from './role.ts'
import { scopeOf } from './scope.ts'
import type { TabsTools } from './tools.ts'

/** What a link shares its stream with. */
export interface TabsOptions {
  /** Of a stream that isn't shared. Its endpoint is asked for whatever the tab's own requests were for. */
  readonly settings: SetOptions
  readonly tools: TabsTools
  readonly codec: Codec
  readonly sharing: true | ShareAcrossTabsOptions
}

/**
 * Gives a fetch for requests of multiplexed mode, whose answers come from one stream for all tabs that would
 * have the same one. To the link, the tab that leads is the server: it opens streams there, names positions, and
 * opens another one when the tab is gone. So whoever leads, no tab needs to know where another one stands.
 * Throws where tabs have nothing in common.
 */
export function shareTabs({ sharing, ...options }: TabsOptions): Fetch {
  const { settings } = options
  const { identity, onRole, environment = globalTabs() } = sharing === true ? {} : sharing
  if (!environment) throw new Error('There are no locks or channels here.')
  const shared = environment
  let role: Role = initialRole
  let told: TabRole | undefined
  let group: Group | undefined
  let unlisten: Array<(() => void) | undefined> = []

  function dispatch(event: RoleEvent): Role {
    role = nextRole(role, event)
    if (role.phase === 'alone') leave()
    // Who has just come may be the first, and about to lead.
    if (event !== 'enter') tell()
    return role
  }

  function tell(): void {
    const { phase } = role
    const now = phase === 'leading' || phase === 'alone' ? phase : 'following'
    if (phase === 'out' || now === told) return
    told = now
    // Not within: what it throws must stop nothing.
    queueMicrotask(() => onRole?.(now))
  }

  function leave(): void {
    const left = group
    group = undefined
    left?.close()
    for (const undo of unlisten) undo?.()
    unlisten = []
  }

  function goAway(): void {
    if (dispatch('leave').phase === 'out') leave()
  }

  const nameOf: (...request: Parameters<Fetch>) => string = (url, { headers }) =>
    scopeOf(options.tools, url, headers, identity?.())

  /** Makes a request for all of the group, unless this tab is somebody else by now. */
  const fetchFor =
    (name: string): Fetch =>
    async (url, init) => {
      if (nameOf(url, init) === name) return settings.fetch(url, init)
      if (group?.name === name) change()
      throw new Error('The request is not for those who share the stream.')
    }

  function change(): void {
    dispatch('changed')
    leave()
  }

  function enter(name: string): Group | undefined {
    if (group && group.name !== name) change()
    if (group || dispatch('enter').phase === 'alone') return group
    try {
      group = joinGroup({
        clock: settings.clock,
        tools: options.tools,
        environment: shared,
        name,
        dispatch,
        onIdle: goAway,
        createLeader: (id) =>
          createLeader({
            ...options,
            environment: shared,
            id,
            settings: { ...settings, fetch: fetchFor(name) },
          }),
      })
      unlisten = [
        settings.device.listen((event) => event === 'left' && goAway()),
        shared.onFreeze(goAway),
      ]
    } catch {
      dispatch('broken')
    }
    return group
  }

  return async (url, init) => {
    init.signal?.throwIfAborted()
    const joined = role.phase === 'alone' ? undefined : enter(nameOf(url, init))
    if (!joined) return settings.fetch(url, init)
    const body = String(init.body)
    const id: unknown = JSON.parse(body).connectionId
    if (typeof id === 'string')
      return new Response('', { status: joined.guest(id)?.control(body) ? 200 : 404 })
    const guest = joined.open(body)
    init.signal?.addEventListener('abort', () => guest.close())
    return guest.response
  }
}
