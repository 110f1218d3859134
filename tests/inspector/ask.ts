/** The headers with which the inspector's page asks. */
export const fromPage = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }

/** The answer to a question. The test knows the type of its body. */
export interface Answer<TBody> {
  readonly status: number
  readonly body: TBody
}

/** One instance in the answer to `instances`. */
export interface ListedInstance {
  readonly id: string
  readonly name: string
  readonly isThis: boolean
  readonly silentMs: number
  readonly summary: { readonly storage: { readonly state: string } }
}

/** A list in an answer. */
export interface Listed<TRow> {
  readonly rows: readonly TRow[]
  readonly total: number
}

/** Asks an inspector as its page does. */
export async function askInspector<TBody = unknown>(
  url: string,
  query: object,
  { instance = '', headers = {} }: { instance?: string; headers?: Record<string, string> } = {},
): Promise<Answer<TBody>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...fromPage, ...headers },
    body: JSON.stringify({ instance, query }),
  })
  return { status: response.status, body: (await response.json()) as TBody }
}

/** Asks for the instances until they fit. The test's timeout ends this. */
export async function untilInstances(
  url: string,
  fit: (rows: readonly ListedInstance[]) => boolean,
): Promise<readonly ListedInstance[]> {
  for (;;) {
    const { body } = await askInspector<readonly ListedInstance[]>(url, { type: 'instances' })
    if (fit(body)) return body
  }
}
