import type { ServerResponse } from 'node:http'
import { flush, writeHead } from './writer.ts'

/**
 * Writes a web-standard response to a Node response, and keeps headers that are already set there.
 * Resolves when the response has ended or the client is gone.
 */
export async function writeAnswer(
  response: ServerResponse,
  { status, headers, body }: Response,
): Promise<void> {
  const reader = body?.getReader()
  const cancel = (): void => void reader?.cancel().catch(() => {})
  response.once('close', cancel)
  writeHead(response, { status, headers })
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    const isDrained = response.write(read.value)
    flush(response)
    if (!isDrained) await drained(response)
  }
  response.off('close', cancel)
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
