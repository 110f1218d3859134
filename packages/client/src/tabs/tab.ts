import type { SharingParts } from '../options/tab-sharing.ts'
import type { Fetch } from '../transport/fetch.ts'
import type { TabsEnvironment } from './environment.ts'
import { Group } from './group.ts'
import { createLeader } from './leader.ts'
import type { ShareAcrossTabsOptions, TabRole } from './options.ts'
import { initialRole, nextRole, type Role, type RoleEvent } from './role.ts'
import { scopeOf } from './scope.ts'

/** The options of a tab that shares a stream. */
export interface TabOptions extends SharingParts, Omit<ShareAcrossTabsOptions, 'environment'> {
  readonly environment: TabsEnvironment
  /** The leading tab could not open the stream, and tries again. */
  readonly onDelayed: (error: unknown) => void
}

/** A tab that shares a stream with other tabs. */
export class Tab {
  readonly #options: TabOptions
  #role: Role = initialRole
  #reported: TabRole | undefined
  #group: Group | undefined
  #unlisten: Array<(() => void) | undefined> = []

  constructor(options: TabOptions) {
    this.#options = options
  }

  /** Answers a request of multiplexed mode from the stream of the group. */
  async fetch(...[url, init]: Parameters<Fetch>): Promise<Response> {
    init.signal?.throwIfAborted()
    const group = this.#role.phase === 'alone' ? undefined : this.#enter(this.#scopeOf(url, init))
    if (!group) return this.#options.settings.fetch(url, init)
    const body = String(init.body)
    const id: unknown = JSON.parse(body).connectionId
    if (typeof id === 'string')
      return new Response('', { status: group.stream(id)?.control(body) ? 200 : 404 })
    const stream = group.open(body)
    init.signal?.addEventListener('abort', () => stream.close())
    return stream.response
  }

  #scopeOf(...[url, { headers }]: Parameters<Fetch>): string {
    return scopeOf(url, headers, this.#options.identity?.())
  }

  #dispatch(event: RoleEvent): Role {
    this.#role = nextRole(this.#role, event)
    if (this.#role.phase === 'alone') this.#leave()
    // Don't report a tab that has just entered: it may be the first one, which leads in a moment.
    if (event !== 'enter') this.#report()
    return this.#role
  }

  #report(): void {
    const { phase } = this.#role
    const role = phase === 'leading' || phase === 'alone' ? phase : 'following'
    if (phase === 'out' || role === this.#reported) return
    this.#reported = role
    // Call it separately, because an error that it throws must not interrupt this code.
    queueMicrotask(() => this.#options.onRole?.(role))
  }

  #leave(): void {
    const left = this.#group
    this.#group = undefined
    left?.close()
    for (const undo of this.#unlisten) undo?.()
    this.#unlisten = []
  }

  #goAway(): void {
    if (this.#dispatch('leave').phase === 'out') this.#leave()
  }

  #change(): void {
    this.#dispatch('changed')
    this.#leave()
  }

  #enter(name: string): Group | undefined {
    if (this.#group && this.#group.name !== name) this.#change()
    if (this.#group || this.#dispatch('enter').phase === 'alone') return this.#group
    try {
      this.#join(name)
    } catch {
      this.#dispatch('broken')
    }
    return this.#group
  }

  #join(name: string): void {
    const { settings, codec, environment } = this.#options
    this.#group = new Group({
      clock: settings.clock,
      environment,
      name,
      dispatch: (event) => this.#dispatch(event),
      onDelayed: this.#options.onDelayed,
      onIdle: () => this.#goAway(),
      createLeader: (id) =>
        createLeader({
          codec,
          environment,
          id,
          settings: { ...settings, fetch: (...request) => this.#fetchFor(name, ...request) },
        }),
    })
    this.#unlisten = [
      settings.device.listen((event) => event === 'left' && this.#goAway()),
      environment.onFreeze(() => this.#goAway()),
    ]
  }

  /** Sends a request for the whole group, unless the user of this tab has changed. */
  async #fetchFor(name: string, ...[url, init]: Parameters<Fetch>): Promise<Response> {
    if (this.#scopeOf(url, init) === name) return this.#options.settings.fetch(url, init)
    if (this.#group?.name === name) this.#change()
    throw new Error('The user of this tab has changed: the request is not for its former group.')
  }
}
