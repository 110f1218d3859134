import { useLive } from '@trpc-sse/react'
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from 'react'
import { nextFrame } from '../live/animation-frame.ts'
import { trpc } from '../live/client.ts'
import { liveSubscription } from '../live/live-subscription.ts'
import { useUser } from '../session/session.ts'
import { Card } from '../ui/card.tsx'
import { Cursor } from './cursor.tsx'
import { createPointer, type Point } from './pointer.ts'

const pointer = createPointer({
  nextFrame,
  send: (point) => (point ? trpc.board.move.mutate(point) : trpc.board.leave.mutate()),
})

/** A board on which everybody sees the cursors of all. */
export function Board() {
  const { user } = useUser()
  const { data = [], status } = useLive(
    liveSubscription({ path: 'board.onCursor', procedure: trpc.board.onCursor, input: undefined }),
    { key: (cursor) => cursor.key },
  )
  return (
    <Card
      title="Cursors"
      className="cursors"
      aside={<span className="aside">of everybody, in every tab</span>}
    >
      <Surface isEmpty={data.length === 0}>
        <div data-stale={status === 'connecting'}>
          {data.map(({ key, value }) => (
            <Cursor key={key} user={key} isOwn={key === user} {...value} />
          ))}
        </div>
      </Surface>
    </Card>
  )
}

interface SurfaceProps {
  readonly isEmpty: boolean
  readonly children: ReactNode
}

function Surface({ isEmpty, children }: SurfaceProps) {
  const position = useRef<Point>({ x: 0.5, y: 0.5 })
  function moveTo(point: Point): void {
    position.current = point
    pointer.to(point)
  }
  function onPointer({ clientX, clientY, currentTarget }: PointerEvent): void {
    const { left, top, width, height } = currentTarget.getBoundingClientRect()
    moveTo({ x: within((clientX - left) / width), y: within((clientY - top) / height) })
  }
  function onKeyDown(event: KeyboardEvent): void {
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    const { x, y } = position.current
    moveTo({ x: within(x + step.x), y: within(y + step.y) })
  }
  const leave = (): void => pointer.to(undefined)
  return (
    <div
      className="surface"
      role="application"
      aria-label="Board. The arrow keys move your cursor."
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move the cursor.
      tabIndex={0}
      onPointerDown={onPointer}
      onPointerMove={onPointer}
      onPointerLeave={leave}
      onKeyDown={onKeyDown}
      onBlur={leave}
    >
      {isEmpty && <p className="surface-hint">Move your pointer here, or use the arrow keys.</p>}
      {children}
    </div>
  )
}

const stepSize = 0.03
const steps: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -stepSize, y: 0 },
  ArrowRight: { x: stepSize, y: 0 },
  ArrowUp: { x: 0, y: -stepSize },
  ArrowDown: { x: 0, y: stepSize },
}

function within(share: number): number {
  return Math.min(1, Math.max(0, share))
}
