import { colourOf } from './colour.ts'
import type { Point } from './pointer.ts'

/** Props of {@link Cursor}. */
export interface CursorProps extends Point {
  readonly user: string
  readonly name: string
  readonly isOwn: boolean
}

/** A person's cursor on the board, with the name. */
export function Cursor({ user, name, isOwn, x, y }: CursorProps) {
  return (
    <div
      className="cursor"
      data-cursor={name}
      data-own={isOwn}
      // The name stays on the board.
      data-side={x > 0.7 ? 'left' : 'right'}
      data-above={y > 0.8}
      style={{ left: `${x * 100}%`, top: `${y * 100}%`, color: colourOf(user) }}
    >
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d="M1.5 1.5 14 6.4 8.3 8.3 6.4 14Z" fill="currentColor" />
      </svg>
      <span className="cursor-name">
        <span>{isOwn ? 'you' : name}</span>
      </span>
    </div>
  )
}
