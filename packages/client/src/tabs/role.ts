/**
 * The role of a tab in its group:
 *
 *     out ──enter──▶ queued ──────granted──────▶ leading
 *                     │  ▲                         │ │
 *              silent │  └──────────lost───────────┘ │
 *                     ▼                              │ silent
 *                 stealing ──granted──▶ leading      ▼
 *                                                  alone ◀──broken── any
 */
export interface Role {
  readonly phase: 'out' | 'queued' | 'stealing' | 'leading' | 'alone'
  /** The number of times in a row that the tab changed groups without getting a stream. */
  readonly changes: number
}

/** The events of a tab in its group. */
export type RoleEvent =
  /** The tab wants a stream. */
  | 'enter'
  /** The tab has the lock. */
  | 'granted'
  /** The lock was taken away. */
  | 'lost'
  /** The leader doesn't answer. */
  | 'silent'
  /** The tab leaves, for now. */
  | 'leave'
  /** The tab's user has changed, so the tab leaves the group. */
  | 'changed'
  /** The tab has a stream. */
  | 'served'
  /** The browser has no locks or channels. */
  | 'broken'

/** The role before any stream is wanted. */
export const initialRole: Role = { phase: 'out', changes: 0 }

/**
 * The number of changes after which a tab stays alone. If headers differ in every request, every
 * request has its own group, and there is nothing to share.
 */
const mostChanges = 3

/** Returns the role after an event. Events that can't happen in a phase change nothing. */
export function nextRole(role: Role, event: RoleEvent): Role {
  const { phase, changes } = role
  if (phase === 'alone') return role
  switch (event) {
    case 'enter':
      return phase === 'out' ? { ...role, phase: 'queued' } : role
    case 'granted':
      return phase === 'queued' || phase === 'stealing' ? { ...role, phase: 'leading' } : role
    case 'lost':
      return phase === 'out' ? role : { ...role, phase: 'queued' }
    case 'silent':
      // A leader's own messages don't reach it, so channels don't work here.
      if (phase === 'leading') return { ...role, phase: 'alone' }
      return phase === 'queued' ? { ...role, phase: 'stealing' } : role
    case 'leave':
      return phase === 'out' ? role : { ...role, phase: 'out' }
    case 'changed':
      return { phase: changes + 1 < mostChanges ? 'out' : 'alone', changes: changes + 1 }
    case 'served':
      return changes === 0 ? role : { ...role, changes: 0 }
    case 'broken':
      return { ...role, phase: 'alone' }
  }
}
