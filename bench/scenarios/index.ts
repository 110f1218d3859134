import { channels } from './channels.ts'
import { fanOut } from './fan-out.ts'
import { generators } from './generators.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { multiplexed } from './multiplexed.ts'
import { publish } from './publish.ts'
import { redis } from './redis.ts'
import { runs } from './runs.ts'
import type { Scenario } from './scenario.ts'
import { slowReaders } from './slow-readers.ts'
import { storm } from './storm.ts'

/** All scenarios, in the order in which they are measured and shown. */
export const scenarios: readonly Scenario[] = [
  fanOut,
  multiplexed,
  latency,
  idle,
  generators,
  redis,
  storm,
  slowReaders,
  channels,
  publish,
  runs,
]
