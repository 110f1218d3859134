import { multiplexedEvents } from '@trpc-sse/protocol'
import { seconds } from '../output/durations.ts'
import { cut } from '../output/text.ts'
import { type Check, ok, problem, warning } from './check.ts'
import type { Probe, ProbeMessage } from './probe.ts'

/**
 * Checks the answer to a request for a stream: is it one? If not, nothing else can be said about
 * streams.
 */
export function checkAnswer({ status, headers, text }: Probe): Check {
  const type = headers['content-type'] ?? 'no content type'
  if (status === 200 && type.startsWith('text/event-stream'))
    return ok('answer', 'a stream was answered')
  const found = `${status}, ${type}: ${cut(text.trim(), 200)}`
  return problem('answer', { what: `no stream was answered, but ${found}`, ...adviceFor(status) })
}

function adviceFor(status: number): { why: string; change: string; page: string } {
  if (status === 404 || status === 405 || status === 415)
    return {
      why: 'There is no server link here, or it is older. Clients then use single mode.',
      change: 'Check the address: it is that of sseLink. Compare it with basePath or endpoint.',
      page: 'client-link.md#a-server-without-multiplexed-mode',
    }
  if (status === 400 || status === 401 || status === 403)
    return {
      why: 'createContext refuses the request, or something in front of it does.',
      change: 'Send what clients send: --header "authorization: …", or --header "cookie: …".',
      page: 'auth.md',
    }
  if (status === 429 || status === 503)
    return {
      why: 'A limit is reached, or the server is shutting down.',
      change: 'Look at link.stats().refused, and raise the limit if that is safe.',
      page: 'server-link.md#limits',
    }
  return {
    why: 'Clients reach something else than the server link, such as a login page.',
    change: 'Check the address, and what the proxies do with POST requests to …/~sse.',
    page: 'troubleshooting.md',
  }
}

/** Checks the head of a stream. */
export function checkHead({ headers }: Probe): readonly Check[] {
  return [checkEncoding(headers), checkCacheControl(headers), checkAccelBuffering(headers)]
}

function checkEncoding(headers: Probe['headers']): Check {
  const encoding = headers['content-encoding']
  if (encoding === undefined) return ok('compression', 'the stream is not compressed')
  return problem('compression', {
    what: `the stream is compressed (content-encoding: ${encoding})`,
    why: 'Compression holds events back until there are enough of them, and costs CPU for each.',
    change: compressionAdvice(headers),
    page: 'proxies.md',
  })
}

function compressionAdvice(headers: Probe['headers']): string {
  if (isNginx(headers)) return 'nginx: remove text/event-stream from gzip_types.'
  return 'Exclude text/event-stream where responses are compressed: the proxy, or a middleware.'
}

function checkCacheControl(headers: Probe['headers']): Check {
  const value = headers['cache-control'] ?? ''
  const missing = ['no-cache', 'no-transform'].filter((directive) => !value.includes(directive))
  if (missing.length === 0) return ok('cache-control', value)
  return problem('cache-control', {
    what: `cache-control lacks ${missing.join(' and ')}: it is ${value === '' ? 'missing' : value}`,
    why: 'Caches may keep the response, and proxies may compress and buffer it.',
    change: 'Leave the header of the server link alone: look at responseMeta and at the proxies.',
    page: 'proxies.md',
  })
}

/** nginx obeys this header, and doesn't pass it on. */
function checkAccelBuffering(headers: Probe['headers']): Check {
  const name = 'x-accel-buffering'
  const value = headers[name]
  if (value === 'no') return ok(name, 'no')
  if (value === undefined && isNginx(headers))
    return ok(name, 'nginx reads it, and doesn’t pass it on')
  return warning(name, {
    what: `x-accel-buffering is ${value === undefined ? 'missing' : `${value}`}`,
    why: 'An nginx between the server and clients then buffers streams.',
    change: 'Find out what removes or changes this header: responseMeta, or a proxy.',
    page: 'proxies.md#nginx',
  })
}

/** Checks when the parts of a stream of a known duration arrived. */
export function checkTiming(stream: Probe, maxDurationMs: number): Check {
  const name = 'buffering'
  const opened = find(stream, multiplexedEvents.connected)
  const reconnect = find(stream, multiplexedEvents.reconnect)
  if (!opened || !reconnect) return cutCheck(stream)
  // The server sends `reconnect` about `maxDurationMs` after `connected`.
  const apartMs = reconnect.atMs - opened.atMs
  if (apartMs >= maxDurationMs / 2)
    return ok(name, `the first bytes arrived ${seconds(apartMs)} before the end`)
  return problem(name, {
    what: `a stream of ${seconds(maxDurationMs)} arrived all at once, after ${seconds(opened.atMs)}`,
    why: 'Something holds responses back until a buffer is full or they end. Events are late.',
    change: bufferingAdvice(stream),
    page: 'proxies.md#a-proxy-that-buffers',
  })
}

function bufferingAdvice({ headers, headAtMs, messages }: Probe): string {
  if (headers['content-encoding'] !== undefined)
    return 'Turn compression off for text/event-stream: what compresses doesn’t flush.'
  if (isNginx(headers))
    return 'nginx: remove proxy_ignore_headers X-Accel-Buffering, or set proxy_buffering off.'
  // A proxy that buffers usually holds back the head as well.
  const firstMs = messages[0]?.atMs ?? headAtMs
  if (firstMs - headAtMs > 500)
    return 'The head came at once: look for a middleware that wraps the response and doesn’t flush.'
  return 'Turn response buffering off in the proxy, for this path or for text/event-stream.'
}

function cutCheck({ endAtMs, endedBy }: Probe): Check {
  const how = endedBy === 'cut' ? 'was cut' : 'ended'
  return problem('idle-timeout', {
    what: `a stream ${how} after ${seconds(endAtMs)}, without notice`,
    why: 'A proxy ends silent responses too early. Clients reconnect again and again.',
    change: 'Raise its idle timeout above heartbeatMs, or set heartbeatMs below it.',
    page: 'proxies.md',
  })
}

/** Checks that a silent stream lives until its heartbeat, and that the heartbeat arrives. */
export function checkHeartbeat(stream: Probe): Check {
  const name = 'heartbeat'
  const ping = find(stream, multiplexedEvents.ping)
  if (ping) return ok(name, `a heartbeat arrived after ${seconds(ping.atMs)}`)
  if (find(stream, multiplexedEvents.reconnect))
    return ok(name, 'the server has ended the stream before its first heartbeat')
  if (stream.endedBy !== 'closed') return cutCheck(stream)
  return problem(name, {
    what: `no heartbeat arrived within ${seconds(stream.endAtMs)}`,
    why: 'Clients consider a silent connection dead, and reconnect. Proxies may end it.',
    change: 'Set heartbeatMs of the server link below every idle timeout, or raise --idle.',
    page: 'proxies.md',
  })
}

/** Checks that the subscription of `--path` has started. */
export function checkSubscription(stream: Probe, path: string): Check {
  const error = find(stream, multiplexedEvents.error)
  if (error)
    return problem('subscription', {
      what: `${path} fails: ${cut(error.data, 500)}`,
      why: 'Clients of this subscription get this error.',
      change: 'Check --path, --input and --header. With superjson, the input is {"json":…}.',
      page: 'troubleshooting.md#a-subscription-that-ended-in-onerror',
    })
  if (find(stream, multiplexedEvents.started)) return ok('subscription', `${path} has started`)
  return problem('subscription', {
    what: `${path} has not started`,
    why: 'The procedure has neither started nor failed.',
    change: 'Look for something that hangs in the procedure or in its backend.',
    page: 'troubleshooting.md#a-subscription-that-stays-connecting',
  })
}

function find({ messages }: Probe, name: string): ProbeMessage | undefined {
  return messages.find(({ event }) => event === name)
}

function isNginx(headers: Probe['headers']): boolean {
  return /nginx|openresty|tengine/i.test(String(headers.server))
}
