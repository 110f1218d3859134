import { channels } from './channels.ts'
import { afterInput, idsAfter } from './ids-after.ts'
import { repeat } from './repeat.ts'
import { procedure, router } from './trpc.ts'

const tickMs = 250
const replay = 1

export const pricesRouter = router({
  /** The newest price, then each change. */
  onTick: procedure.subscription((opts) => channels.prices().subscribe({ ...opts, replay })),

  idsAfter: procedure
    .input(afterInput)
    .query(({ input }) => idsAfter(channels.prices(), input.after, replay)),
})

/**
 * Publishes a price four times a second. Every instance runs this, without a leader: the moment is
 * the idempotency key, so the first publish stores the tick and the others change nothing.
 */
export function publishPrices(signal: AbortSignal): Promise<void> {
  return repeat(tickMs, signal, async () => {
    const moment = Math.floor(Date.now() / tickMs)
    await channels
      .prices()
      .publish({ price: priceAt(moment), at: new Date() }, { idempotencyKey: `tick-${moment}` })
  })
}

const waves = [
  { length: 2_011, height: 6 },
  { length: 211, height: 1.8 },
  { length: 37, height: 0.5 },
  { length: 11, height: 0.2 },
]

/** A price on which all instances agree: a sum of waves, and noise that looks random. */
function priceAt(moment: number): number {
  const change = waves.reduce(
    (sum, { length, height }) => sum + height * Math.sin(moment / length),
    0,
  )
  const noise = ((Math.sin(moment * 12.9898) * 43_758.5453) % 1) * 0.16
  return Math.round((128 + change + noise) * 100) / 100
}
