import type { InspectorRequest } from '../link/inspection.ts'

/**
 * Whether the inspector's own page has sent a request. Another site could send it with the user's
 * cookies. Browsers set one of these headers, and pages can't change them.
 */
export function isFromPage({ url, header }: InspectorRequest): boolean {
  const site = header('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  const origin = header('origin')
  return origin !== null && hostOf(origin) === url.host
}

/** Returns the host of an origin. A proxy may have ended TLS, so the protocols can differ. */
function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}
