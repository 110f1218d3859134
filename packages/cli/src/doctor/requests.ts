import { multiplexedPath } from '@trpc-sse/protocol'
import type { Target } from '../endpoint/target.ts'
import type { ProbeRequest } from './probe.ts'

/** Creates the request for a stream. With a duration, the server ends it after that. */
export function streamRequest(
  target: Target,
  {
    maxDurationMs,
    origin,
  }: { readonly maxDurationMs?: number; readonly origin?: string | undefined },
): Omit<ProbeRequest, 'limitMs'> {
  const { subscription } = target
  const body = {
    version: 1,
    revision: 1,
    subscriptions: subscription ? { doctor: subscription } : {},
    ...(maxDurationMs !== undefined && { maxDurationMs }),
  }
  return {
    url: streamUrl(target),
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      // What browsers accept: a proxy that compresses then does.
      'accept-encoding': 'gzip, deflate, br',
      ...(origin !== undefined && { origin }),
      ...target.headers,
    },
    body: JSON.stringify(body),
  }
}

/** Returns the address of streams. */
export function streamUrl({ url }: Target): URL {
  const stream = new URL(url)
  stream.pathname = `${url.pathname.replace(/\/$/, '')}/${multiplexedPath}`
  return stream
}
