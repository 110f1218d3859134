import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { RealtimeErrorIssue } from '@trpc-sse/protocol'

/** Describes a schema's issues in one line. */
export function describeIssues(issues: ReadonlyArray<StandardSchemaV1.Issue>): string {
  return issuesOf(issues)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')
}

/** Converts a schema's issues to issues of a `RealtimeError`. */
export function issuesOf(
  issues: ReadonlyArray<StandardSchemaV1.Issue>,
): readonly RealtimeErrorIssue[] {
  return issues.map(({ message, path = [] }) => ({
    message,
    path: path.map((part) => {
      const key = typeof part === 'object' ? part.key : part
      return typeof key === 'symbol' ? String(key) : key
    }),
  }))
}
