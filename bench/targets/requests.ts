/** Writes a GET for a stream of server-sent events. */
export function get(path: string, headers: Readonly<Record<string, string>> = {}): string {
  return request('GET', path, headers)
}

/** Writes a POST with a JSON body for a stream of server-sent events. */
export function post(
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): string {
  const json = JSON.stringify(body)
  const about = {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(json)),
  }
  return request('POST', path, { ...about, ...headers }) + json
}

/** The header that makes a stream continue after an event, if an id is given. */
export function resume(lastEventId: string | undefined): Readonly<Record<string, string>> {
  return lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
}

/** Creates one item for each channel. */
export function forEachChannel<T>(channels: number, make: (channel: number) => T): T[] {
  return Array.from({ length: channels }, (_, channel) => make(channel))
}

function request(method: string, path: string, headers: Readonly<Record<string, string>>): string {
  const all = { Host: '127.0.0.1', Accept: 'text/event-stream', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
