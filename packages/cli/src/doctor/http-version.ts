import { isIP } from 'node:net'
import tls from 'node:tls'
import type { Target } from '../endpoint/target.ts'
import { type Check, ok, skipped, warning } from './check.ts'

/** Checks whether browsers get HTTP/2, which they use over TLS only. */
export async function checkHttpVersion(target: Target): Promise<Check> {
  const name = 'http-version'
  const { url } = target
  if (url.protocol === 'https:') {
    const protocol = await negotiate(target)
    if (protocol === 'h2') return ok(name, 'HTTP/2 is available')
    return sixConnections('the server or proxy offers no HTTP/2')
  }
  if (isLocal(url.hostname))
    return skipped(name, 'browsers use HTTP/2 only over https, and this is a local address')
  return sixConnections('over http, browsers have only HTTP/1.1')
}

function sixConnections(what: string): Check {
  return warning('http-version', {
    what,
    why: 'Browsers then open at most six connections to an origin, for all tabs. sseLink uses one in each tab, a stock client one for each subscription.',
    change: 'Serve it over https with HTTP/2, or share one connection among tabs.',
    page: 'client-link.md#across-tabs',
  })
}

/** Returns the protocol that a browser would use; `undefined` if that can't be found out. */
function negotiate({ url, insecure, signal, clock }: Target): Promise<string | undefined> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    const socket = tls.connect({
      host,
      port: Number(url.port) || 443,
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['h2', 'http/1.1'],
      rejectUnauthorized: !insecure,
    })
    const done = (protocol: string | undefined): void => {
      cancel()
      signal.removeEventListener('abort', stop)
      resolve(protocol)
      socket.destroy()
    }
    const stop = (): void => done(undefined)
    const cancel = clock.after(10_000, stop, { keepsAlive: true })
    signal.addEventListener('abort', stop)
    socket.once('secureConnect', () => done(socket.alpnProtocol || undefined))
    socket.on('error', stop)
  })
}

function isLocal(hostname: string): boolean {
  return /^(localhost|127\.|\[::1\]|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(hostname)
}
