import type { Clock } from '@trpc-sse/protocol'
import { deferred } from './deferred.ts'
import type { TabChannel, TabsEnvironment } from './environment.ts'
import { type FollowerStream, openFollowerStream } from './follower-stream.ts'
import type { Leader } from './leader.ts'
import { type GroupMessage, readGroupMessage } from './messages.ts'
import type { Role, RoleEvent } from './role.ts'
import type { TabsTools } from './tools.ts'

/** What a tab is in a group with. */
export interface GroupOptions {
  readonly clock: Clock
  readonly tools: TabsTools
  readonly environment: TabsEnvironment
  /** Of its lock and its channel. */
  readonly name: string
  /** Tells what happens here; gives what the tab is then. */
  readonly dispatch: (event: RoleEvent) => Role
  readonly createLeader: (id: string) => Leader
  /** Nobody here has wanted a stream for a while, and nobody elsewhere is served from here. */
  readonly onIdle: () => void
}

/** A tab's place among those that share a stream. */
export interface Group {
  readonly name: string
  /** Opens a stream at whoever leads. */
  open(body: string): FollowerStream
  /** A guest's stream, by the name that it has. */
  guest(id: string): FollowerStream | undefined
  /** Leaves it. What its guests have is over. */
  close(): void
}

/** Those who miss their leader don't all act at the same moment: within so many milliseconds. */
const spreadMs = 500

/**
 * For how long a tab without a stream stays in its group, in milliseconds. Longer than a link waits between two attempts: a
 * leader that left meanwhile would take with it what the server asked for.
 */
const idleMs = 60_000

/** Joins a group. */
export function joinGroup(options: GroupOptions): Group {
  const { clock, environment, name, dispatch } = options
  const guests = new Map<string, FollowerStream>()
  let host: Leader | undefined
  let leader: string | undefined
  let isClosed = false
  let release = (): void => {}
  let cancelSteal: (() => void) | undefined
  let cancelIdle = (): void => {}

  function waitForIdle(): void {
    cancelIdle()
    if (guests.size > 0 || isClosed) return
    cancelIdle = clock.after(idleMs, () => (host?.isServing() ? waitForIdle() : options.onIdle()))
  }

  const channel: TabChannel = environment.openChannel(name, (message) => {
    const known = isClosed ? undefined : readGroupMessage(message)
    if (known) take(known)
  })

  /** Says something to all, this tab included. */
  function say(message: GroupMessage): void {
    if (isClosed) return
    channel.post(message)
    take(message)
  }

  function take(message: GroupMessage): void {
    if (message.type === 'lead') followed(message.host)
    // Any page of the origin can write here: no lock or channel but a guest's is opened for it.
    else if (message.id.startsWith(`${name}:`)) host?.open(message.id, message.body)
  }

  /** Somebody leads: there is nobody to miss. */
  function followed(leading: string): void {
    leader = leading
    keep()
    for (const guest of [...guests.values()]) guest.led(leading)
  }

  function keep(): void {
    cancelSteal?.()
    cancelSteal = undefined
  }

  function request(steal: boolean): void {
    const giveUp = new AbortController()
    const held = deferred<void>()
    let isMine = true
    release()
    release = () => {
      isMine = false
      giveUp.abort()
      held.resolve()
    }
    async function hold(): Promise<void> {
      if (!isMine) return
      if (dispatch('granted').phase === 'leading') lead()
      await held.promise
    }
    environment
      .requestLock(name, steal ? { steal } : { signal: giveUp.signal }, hold)
      .catch((error: unknown) => {
        if (!isMine) return
        resign()
        // Any other error says that there are no locks to be had.
        const isTaken = error instanceof Error && error.name === 'AbortError'
        if (dispatch(isTaken ? 'lost' : 'broken').phase === 'queued') request(false)
      })
  }

  function lead(): void {
    const id = crypto.randomUUID()
    host = options.createLeader(id)
    say({ type: 'lead', host: id })
  }

  function resign(): void {
    host?.close()
    host = undefined
  }

  function silent(of: string | undefined): void {
    // One that led before is nobody to be replaced.
    if (isClosed || (of !== undefined && leader !== undefined && of !== leader)) return
    // Who leads and can't hear itself will hear nobody.
    const delayMs = host ? 0 : Math.round(clock.random() * spreadMs)
    cancelSteal ??= clock.after(delayMs, () => {
      cancelSteal = undefined
      if (dispatch('silent').phase === 'stealing') request(true)
    })
  }

  request(false)
  waitForIdle()
  return {
    name,
    open(body) {
      const id = `${name}:${crypto.randomUUID()}`
      const guest = openFollowerStream({
        clock,
        environment,
        tools: options.tools,
        name: id,
        ask: () => say({ type: 'open', id, body }),
        onServed: () => dispatch('served'),
        onSilent: silent,
        onClosed() {
          guests.delete(id)
          waitForIdle()
        },
      })
      guests.set(id, guest)
      cancelIdle()
      return guest
    },
    guest: (id) => guests.get(id),
    close() {
      if (isClosed) return
      isClosed = true
      keep()
      resign()
      for (const guest of [...guests.values()]) {
        guest.move()
        // Those that had no stream yet can't move.
        guest.fail(new Error('The tab has left its group.'))
      }
      cancelIdle()
      release()
      channel.close()
    },
  }
}
