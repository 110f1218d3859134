/**
 * Gives a command to a session of a WebDriver: `POST`s if it has a body, else `GET`s, unless told
 * otherwise.
 */
export type Command = <TResult = unknown>(
  path: string,
  body?: object,
  method?: 'GET' | 'POST' | 'DELETE',
) => Promise<TResult>

/**
 * Opens a session; the driver must listen already. One command at a time.
 *
 * @see https://www.w3.org/TR/webdriver2/#endpoints
 */
export async function openSession(driver: string, capabilities: object): Promise<Command> {
  const alwaysMatch = { timeouts: { script: 30_000, pageLoad: 30_000 }, ...capabilities }
  const { sessionId } = await send<{ sessionId: string }>(`${driver}/session`, 'POST', {
    capabilities: { alwaysMatch },
  })
  return (path, body, method = body ? 'POST' : 'GET') =>
    send(`${driver}/session/${sessionId}${path}`, method, body)
}

/** Sends a request; rejects with what the driver says went wrong. */
async function send<TResult>(url: string, method: string, body?: object): Promise<TResult> {
  const signal = AbortSignal.timeout(40_000)
  const response = await fetch(url, { method, signal, ...(body && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as {
    value: TResult & { error?: string; message?: string }
  }
  if (!response.ok) throw new Error(`${url}: ${value.error} ${value.message}`)
  return value
}
