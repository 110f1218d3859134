/**
 * Sends a command to a WebDriver session. The default method is POST if there is a body, and GET
 * otherwise.
 */
export type Command = <TResult = unknown>(
  path: string,
  body?: object,
  method?: 'GET' | 'POST' | 'DELETE',
) => Promise<TResult>

/**
 * Opens a session. The driver must already listen. Send one command at a time.
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

/** Sends a request. Rejects with the driver's error. */
async function send<TResult>(url: string, method: string, body?: object): Promise<TResult> {
  const signal = AbortSignal.timeout(40_000)
  const response = await fetch(url, { method, signal, ...(body && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as {
    value: TResult & { error?: string; message?: string }
  }
  if (!response.ok) throw new Error(`${url}: ${value.error} ${value.message}`)
  return value
}
