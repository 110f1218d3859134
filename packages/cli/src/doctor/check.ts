/** The result of one check. */
export interface Check {
  /** The name of the check, for scripts. */
  readonly check: string
  /**
   * `problem`: events are lost or late, or will be. `warning`: that depends on what the app does.
   * `skipped`: it couldn't be checked.
   */
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped'
  /** What is right or wrong. */
  readonly what: string
  /** Why it matters; only for warnings and problems. */
  readonly why?: string
  /** What to change; only for warnings and problems. */
  readonly change?: string
  /** The page that explains it. */
  readonly docs?: string
}

/** Creates the result of a check that found nothing wrong. */
export function ok(check: string, what: string): Check {
  return { check, status: 'ok', what }
}

/** Creates the result of a check that wasn't possible, and says why. */
export function skipped(check: string, what: string): Check {
  return { check, status: 'skipped', what }
}

/** What a finding says. */
export interface Finding {
  readonly what: string
  readonly why: string
  readonly change: string
  /** The page below `docs/`, with its anchor. */
  readonly page: string
}

const documentation = 'https://github.com/trpc-sse/trpc-sse/blob/main/docs/'

/** Creates the result of a check that found a problem. */
export function problem(check: string, { page, ...finding }: Finding): Check {
  return { check, status: 'problem', ...finding, docs: `${documentation}${page}` }
}

/** Creates the result of a check that found something that may be a problem. */
export function warning(check: string, finding: Finding): Check {
  return { ...problem(check, finding), status: 'warning' }
}
