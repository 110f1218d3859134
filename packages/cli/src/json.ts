import { isNestedTooDeep, maxJsonDepth } from '@trpc-sse/protocol'

/**
 * Parses JSON of users, events and keys. Throws a `SyntaxError` also for JSON that is nested so deep
 * that writing it again would overflow the stack.
 */
export function parseJson(text: string): unknown {
  if (isNestedTooDeep(text)) throw new SyntaxError(`more than ${maxJsonDepth} levels deep`)
  return JSON.parse(text)
}
