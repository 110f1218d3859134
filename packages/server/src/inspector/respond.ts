import type { Failure } from './messages.ts'
import { page } from './page-text.ts'

const shared = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

/** Creates the response with the page. Its policy allows only its own script and requests. */
export function pageResponse(): Response {
  const nonce = crypto.randomUUID()
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
  return new Response(page.replaceAll('%NONCE%', nonce), {
    headers: {
      ...shared,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
    },
  })
}

/** Creates a response with JSON. */
export function jsonResponse(value: unknown, status = 200): Response {
  const headers = { ...shared, 'content-type': 'application/json' }
  return new Response(JSON.stringify(value), { status, headers })
}

/** Creates a response that refuses a request. */
export function refusal(status: number, code: string, message: string): Response {
  return jsonResponse({ error: { code, message } } satisfies Failure, status)
}
