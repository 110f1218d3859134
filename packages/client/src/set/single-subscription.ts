import { type Carrier, openStream } from '../stream/stream.ts'
import { writeSingleRequest } from '../wire/request.ts'
import { readSingleMessage } from '../wire/single.ts'
import { createFeed } from './handover.ts'
import { identityOf, type SetOptions, type WantedCall } from './set.ts'
import type { Member } from './shared-subscription.ts'

/** Starts a subscription on a stream of its own; returns what stops it. */
export function startAlone(options: SetOptions, call: WantedCall, member: Member): () => void {
  const { positions } = options
  const identity = identityOf(call)
  const feed = createFeed<Carrier>({
    lastEventId: call.lastEventId ?? positions.load(identity),
    deliver: member.receive,
    onStarted() {
      positions.save(identity, feed.lastEventId())
      member.started(feed.lastEventId(), feed.live())
    },
    onWaiting: member.connecting,
    onPosition(lastEventId, on) {
      positions.save(identity, lastEventId)
      on.progressed()
    },
  })
  const stream = openStream({
    ...options,
    endpoint: () => options.endpoint([call.op]),
    carry(progressed) {
      const carrier: Carrier = {
        progressed,
        write(endpoint) {
          feed.requested(carrier)
          return writeSingleRequest(endpoint, { ...call, lastEventId: feed.lastEventId() })
        },
        receive(frame) {
          const verdict = feed.receive(frame, carrier)
          if (frame.type === 'started') stream.taken()
          return verdict
        },
        lost: (error) => feed.lost(carrier, error),
      }
      return carrier
    },
    read: readSingleMessage,
    // The servers that know multiplexed mode say it on every stream; tRPC's own never does.
    onRetryAsked: options.onKnown,
    onEnded({ error }) {
      feed.reset()
      positions.save(identity, undefined)
      if (error !== undefined) member.failed(error)
    },
  })
  return () => stream.close()
}
