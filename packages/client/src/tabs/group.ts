import type { Clock } from '@trpc-sse/protocol'
import { deferred } from './deferred.ts'
import type { TabChannel, TabsEnvironment } from './environment.ts'
import { FollowerStream } from './follower-stream.ts'
import type { Leader } from './leader.ts'
import { type GroupMessage, readGroupMessage } from './messages.ts'
import type { Role, RoleEvent } from './role.ts'

/** The options of a group. */
export interface GroupOptions {
  readonly clock: Clock
  readonly environment: TabsEnvironment
  /** The name of its lock and its channel. */
  readonly name: string
  /** Reports what happens to this tab; returns the role that follows. */
  readonly dispatch: (event: RoleEvent) => Role
  readonly createLeader: (id: string) => Leader
  /** The leading tab could not open the stream, and tries again. */
  readonly onDelayed: (error: unknown) => void
  /** This tab has neither wanted a stream nor served a follower for a while. */
  readonly onIdle: () => void
}

/**
 * Tabs that notice a silent leader act at random times within this many milliseconds, not all at
 * once.
 */
const spreadMs = 500

/**
 * How long a tab without a stream stays in its group, in milliseconds. It is longer than a link's
 * wait between two attempts, because a leader that leaves forgets the wait that the server
 * requested.
 */
const idleMs = 60_000

/** A tab's membership in the group of tabs that share a stream. */
export class Group {
  readonly name: string
  readonly #options: GroupOptions
  readonly #channel: TabChannel
  readonly #streams = new Map<string, FollowerStream>()
  #leader: Leader | undefined
  /** The id of the leading tab, as far as this tab knows. */
  #leaderId: string | undefined
  #isClosed = false
  #releaseLock = (): void => {}
  #cancelSteal: (() => void) | undefined
  #cancelIdle = (): void => {}

  constructor(options: GroupOptions) {
    this.#options = options
    this.name = options.name
    this.#channel = options.environment.openChannel(options.name, (message) => {
      const known = this.#isClosed ? undefined : readGroupMessage(message)
      if (known) this.#receive(known)
    })
    this.#requestLock(false)
    this.#waitForIdle()
  }

  /** Opens a stream at the leading tab. */
  open(body: string): FollowerStream {
    const { clock, environment, dispatch, onDelayed } = this.#options
    const id = `${this.name}:${crypto.randomUUID()}`
    const stream = new FollowerStream({
      clock,
      environment,
      name: id,
      ask: () => this.#broadcast({ type: 'open', id, body }),
      onServed: () => dispatch('served'),
      onDelayed,
      onSilent: (leader) => this.#silent(leader),
      onClosed: () => {
        this.#streams.delete(id)
        this.#waitForIdle()
      },
    })
    this.#streams.set(id, stream)
    this.#cancelIdle()
    return stream
  }

  /** Finds an open stream of this tab by its name. */
  stream(id: string): FollowerStream | undefined {
    return this.#streams.get(id)
  }

  /** Leaves the group, and ends the streams of this tab. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#keepLeader()
    this.#resign()
    for (const stream of [...this.#streams.values()]) {
      stream.handOver()
      // A stream that hasn't begun can't be handed over.
      stream.fail(new Error('The tab has left its group.'))
    }
    this.#cancelIdle()
    this.#releaseLock()
    this.#channel.close()
  }

  #waitForIdle(): void {
    const { clock, onIdle } = this.#options
    this.#cancelIdle()
    if (this.#streams.size > 0 || this.#isClosed) return
    this.#cancelIdle = clock.after(idleMs, () =>
      this.#leader?.isServing() ? this.#waitForIdle() : onIdle(),
    )
  }

  /** Sends a message to all tabs, this one included. */
  #broadcast(message: GroupMessage): void {
    if (this.#isClosed) return
    this.#channel.post(message)
    this.#receive(message)
  }

  #receive(message: GroupMessage): void {
    if (message.type === 'lead') this.#follow(message.leader)
    // Any page of the origin can post here, so open locks and channels only for names of this
    // group.
    else if (message.id.startsWith(`${this.name}:`)) this.#leader?.open(message.id, message.body)
  }

  #follow(leaderId: string): void {
    this.#leaderId = leaderId
    this.#keepLeader()
    for (const stream of [...this.#streams.values()]) stream.followLeader(leaderId)
  }

  /** Stops trying to take the lock from the leading tab. */
  #keepLeader(): void {
    this.#cancelSteal?.()
    this.#cancelSteal = undefined
  }

  #requestLock(steal: boolean): void {
    const { environment, dispatch } = this.#options
    const giveUp = new AbortController()
    const held = deferred<void>()
    let isCurrent = true
    this.#releaseLock()
    this.#releaseLock = () => {
      isCurrent = false
      giveUp.abort()
      held.resolve()
    }
    const hold = async (): Promise<void> => {
      if (!isCurrent) return
      if (dispatch('granted').phase === 'leading') this.#lead()
      await held.promise
    }
    environment
      .requestLock(this.name, steal ? { steal } : { signal: giveUp.signal }, hold)
      .catch((error: unknown) => {
        if (!isCurrent) return
        this.#resign()
        // Any other error means that this browser has no locks.
        const isTaken = error instanceof Error && error.name === 'AbortError'
        if (dispatch(isTaken ? 'lost' : 'broken').phase === 'queued') this.#requestLock(false)
      })
  }

  #lead(): void {
    const id = crypto.randomUUID()
    this.#leader = this.#options.createLeader(id)
    this.#broadcast({ type: 'lead', leader: id })
  }

  #resign(): void {
    this.#leader?.close()
    this.#leader = undefined
  }

  #silent(leaderId: string | undefined): void {
    if (this.#isClosed) return
    // The silent leader has been replaced already.
    if (leaderId !== undefined && this.#leaderId !== undefined && leaderId !== this.#leaderId)
      return
    const { clock, dispatch } = this.#options
    // A leader that can't reach itself can't reach any tab, so it is replaced at once.
    const delayMs = this.#leader ? 0 : Math.round(clock.random() * spreadMs)
    this.#cancelSteal ??= clock.after(delayMs, () => {
      this.#cancelSteal = undefined
      if (dispatch('silent').phase === 'stealing') this.#requestLock(true)
    })
  }
}
