import { afterFrame } from './animation-frame.ts'
import { createLatency } from './latency.ts'

/** How long events take to this page's screen. */
export const latency = createLatency({ now: Date.now, afterFrame })

const look = (): void => latency.visibilityChanged(document.hidden)
document.addEventListener('visibilitychange', look)
look()
