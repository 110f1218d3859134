import { RealtimeError } from '@trpc-sse/protocol'
import type { PresenceSettings } from '../channel/presence-options.ts'
import { checkSize, validEvent } from '../channel/publish.ts'
import { checkKey } from '../state/checks.ts'
import { readState, type StateReadOptions, type StateReads } from '../state/read-state.ts'
import { keepAlive } from '../user-code/keep-alive.ts'
import { parseMember } from './member.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'

/** A member of a channel, and what the others see of it. */
export interface Member<TValue> {
  /** Identifies the member: the id of a user, for example. Equal keys are one member. */
  readonly key: string
  readonly value: TValue
}

/** Options of `hold`. A resolver's `opts` can be passed unchanged. */
export interface HoldOptions {
  /** The signal of a subscription. The member is held until it aborts. */
  readonly signal: AbortSignal | undefined
  /** The type of the procedure, as tRPC passes it. Only a subscription can hold a member. */
  readonly type?: string
}

/** A member that is held. */
export interface HeldMember<TInput> {
  /**
   * Sets the value of the member, for all subscriptions that hold it. Rejects with `INVALID_EVENT`
   * or `EVENT_TOO_LARGE`.
   */
  update(value: TInput): Promise<void>
}

/**
 * The members of a channel: users whose subscriptions are open on any instance. It is read like a
 * state channel.
 */
export interface Presence<TInput, TMember> extends StateReads<TMember> {
  /**
   * Holds a member until the subscription ends whose `opts` are passed. Subscriptions with the same
   * key, such as the tabs and devices of a user, are one member. Its value is the one that was set
   * last.
   *
   * After its last subscription, the member stays for the grace period (`presence.graceMs`), so a
   * reload doesn't count as a leave. If an instance crashes, its members leave within 15 seconds,
   * except those that another instance holds.
   *
   * Resolves when the member is stored. If the backend doesn't answer, this calls `onError` and
   * resolves, and the member is stored later. Rejects with `INVALID_OPTION` outside a subscription
   * or for a bad key, and with `INVALID_EVENT`, `EVENT_TOO_LARGE` or `TOO_MANY_ENTRIES`.
   */
  hold(options: HoldOptions, member: Member<TInput>): Promise<HeldMember<TInput>>
}

/** The parts of a {@link Presence}. */
export interface PresenceHandleOptions
  extends Omit<StateReadOptions, 'conflate' | 'decode' | 'maxValueBytes' | 'onOpen'> {
  /** The name of the channel. */
  readonly name: string
  readonly settings: PresenceSettings
  readonly rooms: Rooms
}

/** Creates the presence of one channel. */
export function createPresence<TInput, TMember>(
  options: PresenceHandleOptions,
): Presence<TInput, TMember> {
  const { log, codec, name, settings, rooms } = options
  const { maxEntries, graceMs, maxValueBytes } = settings
  const open = (): Room => rooms.open({ log, codec, name, maxEntries, graceMs })
  const reads = readState<TMember>({
    ...options,
    maxValueBytes,
    conflate: true,
    onOpen: open,
    decode(text) {
      rooms.see(text)
      return codec.deserialize(parseMember(text).value)
    },
  })
  return {
    ...reads,
    async hold({ signal, type = 'subscription' }, { key, value }) {
      checkKey('hold()', key)
      // The signal of a query or a mutation needn't abort after the answer.
      const isSubscription = type === 'subscription' && signal instanceof AbortSignal
      if (!isSubscription) throw outsideSubscription()
      const valid = await validMember(options, value)
      const room = open()
      if (!signal.aborted) await keepAlive(holdUntil(signal, room, { key, value: valid }))
      return {
        async update(next) {
          const checked = await validMember(options, next)
          if (!signal.aborted) await keepAlive(room.update(key, checked))
        },
      }
    },
  }
}

async function validMember(
  { name, settings, codec }: PresenceHandleOptions,
  value: unknown,
): Promise<unknown> {
  const what = { name, schema: settings.member, codec, what: 'value' } as const
  const valid = await validEvent(what, value)
  checkSize(what, codec.serialize(valid), settings.maxValueBytes)
  return valid
}

/** Holds a member until the signal aborts, unless it can't be held. */
async function holdUntil(
  signal: AbortSignal,
  room: Room,
  { key, value }: Member<unknown>,
): Promise<void> {
  const release = (): void => room.release(key)
  signal.addEventListener('abort', release, { once: true })
  try {
    await room.hold(key, value)
  } catch (error) {
    signal.removeEventListener('abort', release)
    if (!signal.aborted) release()
    throw error
  }
}

function outsideSubscription(): RealtimeError {
  const message =
    'hold() needs the signal of a subscription. Call it in a subscription procedure, and pass the opts of its resolver.'
  return new RealtimeError('INVALID_OPTION', message)
}
