import { afterFrame } from './animation-frame.ts'
import { createLatency } from './latency.ts'

/** The latency of this page, from publish to screen. */
export const latency = createLatency({ now: Date.now, afterFrame })

const update = (): void => latency.visibilityChanged(document.hidden)
document.addEventListener('visibilitychange', update)
update()
