import type { Member } from './entry.ts'
import { createFeed } from './feed.ts'
import { writeSingleRequest } from './request.ts'
import type { SetOptions, WantedCall } from './set.ts'
import { readSingleMessage } from './single.ts'
import { openStream } from './stream.ts'

/** Starts a subscription on a stream of its own; returns what stops it. */
export function startAlone(options: SetOptions, call: WantedCall, member: Member): () => void {
  const { positions } = options
  const identity = JSON.stringify([call.path, call.inputJson])
  const feed = createFeed({
    lastEventId: call.lastEventId ?? positions.load(identity),
    deliver: member.receive,
    onStarted() {
      positions.save(identity, feed.lastEventId())
      member.started()
    },
    onWaiting: member.connecting,
    onPosition(lastEventId, of) {
      positions.save(identity, lastEventId)
      stream.advanced(of)
    },
  })
  const stream = openStream({
    ...options,
    endpoint: () => options.endpoint([call.op]),
    write(endpoint, of) {
      feed.requested(of)
      return writeSingleRequest(endpoint, { ...call, lastEventId: feed.lastEventId() })
    },
    read: readSingleMessage,
    onFrame(frame, of) {
      const verdict = feed.receive(frame, of)
      if (frame.type === 'started') stream.taken()
      return verdict
    },
    onLost: feed.lost,
    onEnded({ error }) {
      feed.reset()
      positions.save(identity, undefined)
      if (error !== undefined) member.failed(error)
    },
  })
  return () => stream.close()
}
