import { loadParams } from './measure.ts'
import type { SelfTime } from './processes/profile.ts'
import type { Pair, Session } from './session.ts'
import type { Sizes } from './sizes.ts'
import type { TargetSettings } from './targets/target.ts'

/** The functions in which our server spends its time. */
export interface HotPath {
  readonly name: string
  /** The profile's file, for DevTools and other tools; it is beside the results. */
  readonly file: string
  /** The functions with more than 1 % of self time. */
  readonly functions: readonly SelfTime[]
}

/** An activity of the server to profile. */
interface Path {
  readonly name: string
  settings(sizes: Sizes): Partial<TargetSettings>
  /** Runs it, and writes its profile to a file. */
  profile(session: Session, pair: Pair, file: string): Promise<readonly SelfTime[]>
}

const worthTelling = 0.01

const paths: readonly Path[] = [
  { name: 'ours', settings: () => ({}), profile: profileFanOut },
  { name: 'ours, multiplexed', settings: () => ({ perConnection: 1 }), profile: profileFanOut },
  { name: 'ours, opening', settings: () => ({}), profile: profileOpening },
  {
    name: 'ours, many channels',
    settings: ({ channels }) => ({ channels }),
    profile: profileChannels,
  },
]

/** Profiles our server. Call it after the measurements, because profiling costs time. */
export async function profileHotPaths(session: Session): Promise<readonly HotPath[]> {
  const found: HotPath[] = []
  for (const path of paths) found.push(await profileOne(session, path))
  return found
}

async function profileOne(session: Session, { name, settings, profile }: Path): Promise<HotPath> {
  const file = `${name.replaceAll(/\W+/g, '-')}.cpuprofile`
  const times = await session.withTarget('ours', settings(session.sizes), (pair) =>
    profile(session, pair, `${session.folder}/${file}`),
  )
  return { name, file, functions: times.filter(({ share }) => share > worthTelling) }
}

/** Publishes one event after the other to many subscribers. */
async function profileFanOut(
  { sizes }: Session,
  pair: Pair,
  file: string,
): Promise<readonly SelfTime[]> {
  await pair.subscribe(sizes.crowd)
  return await profileLoad(sizes, pair, { subscribers: sizes.crowd, file })
}

/** Publishes one event after the other, each to another channel with one subscriber. */
async function profileChannels(
  { sizes }: Session,
  pair: Pair,
  file: string,
): Promise<readonly SelfTime[]> {
  const { channels } = sizes
  await pair.subscribe(channels)
  return await profileLoad(sizes, pair, { subscribers: 1, channels, file })
}

async function profileLoad(
  sizes: Sizes,
  pair: Pair,
  {
    file,
    ...load
  }: { readonly subscribers: number; readonly channels?: number; readonly file: string },
): Promise<readonly SelfTime[]> {
  const { warmUpMs, loadMs } = sizes
  const params = loadParams(load, sizes)
  await pair.clients.call('report', { every: Math.ceil(params.inFlight / 4), timed: false })
  await pair.server.call('load', { ...params, forMs: warmUpMs })
  return await pair.server.call('profile', { ...params, forMs: loadMs, file })
}

/** Opens one connection after the other. */
async function profileOpening(
  { sizes }: Session,
  pair: Pair,
  file: string,
): Promise<readonly SelfTime[]> {
  const { idle, idleWarmUp } = sizes
  await pair.subscribe(idleWarmUp)
  await pair.clients.call('disconnect')
  const profile = pair.server.call('profileOpening', { count: idle, file })
  await pair.subscribe(idle)
  return await profile
}
