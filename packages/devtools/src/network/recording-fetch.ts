import type { Fetch } from '@trpc-sse/client'
import { errorText } from '../record/preview.ts'
import type { Recorder } from '../record/recorder.ts'
import type { RequestRecorder } from '../record/request-recorder.ts'
import { Breaker } from './breaker.ts'
import type { OfflineSwitch } from './offline.ts'
import { watchBody } from './watch-body.ts'

/** A `fetch` whose requests are recorded, and can be cut. */
export interface RecordingFetch {
  /** Wraps a `fetch`. */
  wrap(inner: Fetch): Fetch
  /** Breaks a request, as a lost network would. Does nothing if it is over. */
  cut(request: number): void
}

/** Creates a `fetch` that records requests, and fails while offline. */
export function createRecordingFetch(recorder: Recorder, offline: OfflineSwitch): RecordingFetch {
  const running = new Map<number, Breaker>()
  return {
    cut: (request) => running.get(request)?.break(new TypeError('cut by the devtools')),
    wrap: (inner) => async (url, init) => {
      const record = recorder.request(init.method ?? 'GET', pathOf(url))
      const breaker = new Breaker(init.signal)
      running.set(record.number, breaker)
      const unlisten = offline.onOffline((error) => breaker.break(error))
      const over = (how: string, httpStatus?: number): void => {
        unlisten()
        running.delete(record.number)
        record.ended(how, httpStatus)
      }
      const failed = (error: unknown): void =>
        over(init.signal?.aborted ? 'closed by the client' : errorText(error))
      try {
        if (offline.isOffline) throw offline.error()
        const response = await breaker.unlessBroken(inner(url, { ...init, signal: breaker.signal }))
        if (isStream(response)) return recordStream(response, record, breaker, over, failed)
        over(`answered ${response.status}`, response.status)
        return response
      } catch (error) {
        failed(error)
        throw error
      }
    },
  }
}

function isStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')
}

/** Returns a copy of a response whose body is recorded. */
function recordStream(
  { status, statusText, headers, body }: Response,
  record: RequestRecorder,
  { signal }: Breaker,
  over: (how: string) => void,
  onError: (error: unknown) => void,
): Response {
  record.opened(status)
  const onChunk = (chunk: Uint8Array): void => record.received(chunk)
  const onEnd = (): void => over('ended by the server')
  const watched = body && watchBody(body, signal, { onChunk, onEnd, onError })
  return new Response(watched, { status, statusText, headers })
}

/** Returns the path of an address: the query may contain secrets. */
function pathOf(url: string): string {
  const [path = ''] = url.replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[?#]/, 1)
  return path.slice(0, 200) || '/'
}
