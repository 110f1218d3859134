/**
 * What a tab is in its group:
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
  /** How often in a row another group was needed before there was anything to share. */
  readonly changes: number
}

/** What can happen to a tab in its group. */
export type RoleEvent =
  /** It wants something. */
  | 'enter'
  /** It has the lock. */
  | 'granted'
  /** The lock was taken away. */
  | 'lost'
  /** Who leads doesn't answer. */
  | 'silent'
  /** It goes away, for now. */
  | 'leave'
  /** It is somebody else than before, and leaves for that. */
  | 'changed'
  /** What it wanted is there. */
  | 'served'
  /** The browser has no locks or channels for it. */
  | 'broken'

/** Before anything is wanted. */
export const initialRole: Role = { phase: 'out', changes: 0 }

/** Headers that are different in every request make a group of every request: there is nothing to share. */
const mostChanges = 3

/** Says what a tab is after an event. What can't happen in a phase changes nothing. */
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
      // Its own words don't reach it: channels carry nothing here.
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
