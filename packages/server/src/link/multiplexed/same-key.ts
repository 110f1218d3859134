import { RealtimeError, type WantedSubscription } from '@trpc-sse/protocol'

/** Throws `INVALID_MESSAGE` if a key has a different path or input than before. */
export function mustBeSame(
  key: string,
  before: WantedSubscription | undefined,
  after: WantedSubscription,
): void {
  if (before === undefined) return
  if (before.path === after.path && JSON.stringify(before.input) === JSON.stringify(after.input))
    return
  const message = `The set breaks P47 of the protocol: key ${JSON.stringify(key)} names another path or input than before.`
  throw new RealtimeError('INVALID_MESSAGE', message)
}
