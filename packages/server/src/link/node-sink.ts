import type { ServerResponse } from 'node:http'
import type { Exchange } from './sink.ts'

/** Writes straight to a Node response: no web streams between an event and the socket. */
export function nodeExchange(response: ServerResponse): Exchange {
  return {
    open({ status, headers }, onDrain) {
      for (const [name, value] of headers) {
        // What a middleware varies by, the origin for example, still holds.
        if (name === 'vary') response.appendHeader(name, value)
        else if (name !== 'set-cookie') response.setHeader(name, value)
      }
      for (const cookie of headers.getSetCookie()) response.appendHeader('set-cookie', cookie)
      // Whoever set a status before, a middleware for example, meant it.
      if (response.statusCode === 200) response.statusCode = status
      response.flushHeaders()
      response.on('drain', onDrain)
      return {
        write(bytes) {
          response.write(bytes)
          flush(response)
        },
        buffered: () => response.writableLength,
        end: () => response.end(),
        cut: () => response.destroy(),
      }
    },
    onGone(callback) {
      response.once('close', callback)
      // A write to a socket that is just being reset: 'close' follows.
      response.on('error', () => {})
      if (response.destroyed) callback()
    },
  }
}

/** Compression middleware holds bytes back until it is told. */
function flush(response: ServerResponse & { flush?: () => void }): void {
  response.flush?.()
}
