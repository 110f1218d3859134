import { bodyWasRead, type IncomingBody, mustBeJson } from '../request/body.ts'

/** Reads the JSON body of a web-standard request. */
export async function readFetchBody(request: Request, body: IncomingBody): Promise<string> {
  mustBeJson(request.headers.get('content-type'))
  if (request.bodyUsed || request.body?.locked)
    throw bodyWasRead('fetch', 'read a clone of the request')
  const reader = request.body?.getReader()
  if (reader === undefined) return body.text()
  const late = new Promise<never>((_, reject) => body.onLate(reject))
  try {
    for (let read = await Promise.race([reader.read(), late]); !read.done; ) {
      body.push(read.value)
      read = await Promise.race([reader.read(), late])
    }
    return body.text()
  } finally {
    // Not awaited: a source that never settles must not delay the response.
    void reader.cancel().catch(() => {})
  }
}
