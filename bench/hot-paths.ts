import { loadParams } from './measure.ts'
import type { SelfTime } from './processes/profile.ts'
import type { Session } from './session.ts'
import type { TargetSettings } from './targets/target.ts'

/** Where the time of our server goes when one event goes to a crowd. */
export interface HotPath {
  readonly name: string
  /** The profile, as DevTools and other tools open it; beside the results. */
  readonly file: string
  /** The functions with more than 1 % of the time in themselves. */
  readonly functions: readonly SelfTime[]
}

const worthTelling = 0.01

const paths: ReadonlyArray<readonly [string, Partial<TargetSettings>]> = [
  ['ours', {}],
  ['ours, multiplexed', { perConnection: 1 }],
]

/** Profiles our server, after the measurements: the profiler has a cost of its own. */
export async function profileHotPaths(session: Session): Promise<readonly HotPath[]> {
  const found: HotPath[] = []
  for (const [name, settings] of paths) found.push(await profileOne(session, name, settings))
  return found
}

async function profileOne(
  session: Session,
  name: string,
  settings: Partial<TargetSettings>,
): Promise<HotPath> {
  const { crowd, warmUpMs, loadMs } = session.sizes
  return await session.withTarget('ours', settings, async (pair) => {
    await pair.subscribe(crowd)
    const params = loadParams({ subscribers: crowd }, session.sizes)
    await pair.clients.call('report', { every: Math.ceil(params.inFlight / 4), timed: false })
    await pair.server.call('load', { ...params, forMs: warmUpMs })
    const file = `${name.replace(', ', '-')}-${crowd}.cpuprofile`
    const path = `${session.folder}/${file}`
    const times = await pair.server.call('profile', { ...params, forMs: loadMs, file: path })
    return { name, file, functions: times.filter(({ share }) => share > worthTelling) }
  })
}
