import type { RedisCluster } from '../../../support/redis-cluster.ts'
import { type Chance, chanceFor } from '../../chance.ts'
import type { CompareOptions, Comparison } from '../compare.ts'
import { ClusterTwin, type NodeTwin } from './cluster-twin.ts'
import { slotOf } from './hash-slot.ts'

/**
 * Runs random sequences on a real Cluster, whose keys are deleted, and on the model beside it:
 * commands and scripts at any node, while slots move key by key.
 */
export async function compareWithCluster(
  cluster: RedisCluster,
  { from, sequences, forMs }: CompareOptions,
): Promise<Comparison> {
  using twin = await ClusterTwin.create(cluster)
  const differences: Array<Comparison['differences'][number]> = []
  const startMs = performance.now()
  let count = 0
  while (count < sequences && performance.now() - startMs < forMs) {
    const seed = from + count++
    await twin.empty()
    const chance = chanceFor(seed, 'cluster commands')
    for (let left = chance.between(20, 150); left > 0; left--)
      await chance.one(steps)(twin, chance.one(twin.nodes), chance)
    for (const tag of tags) await finishMove(twin, chance.one(twin.nodes), slotOf(tag))
    await twin.compareChannels()
    const [difference] = twin.differences
    if (difference) differences.push({ ...difference, seed })
  }
  return { sequences: count, commands: twin.commands, differences }
}

type ClusterStep = (twin: ClusterTwin, node: NodeTwin, chance: Chance) => Promise<unknown>

const tags = ['red', 'blue', 'green']

const key = (chance: Chance, tag = chance.one(tags)): string => `{${tag}}${chance.between(1, 3)}`

/** Keys of one slot, mostly. */
function keys(chance: Chance): string[] {
  const tag = chance.is(0.9) ? chance.one(tags) : undefined
  return Array.from({ length: chance.between(1, 3) }, () => key(chance, tag))
}

const command: ClusterStep = (twin, node, chance) => {
  const single = key(chance)
  const made = chance.one([
    ['GET', single],
    ['SET', single, String(chance.below(100))],
    ['DEL', ...keys(chance)],
    ['EXISTS', ...keys(chance)],
    ['XADD', `{${chance.one(tags)}}log`, `${chance.below(99)}-1`, 'd', 'x'],
    ['SPUBLISH', `{${chance.one(tags)}}live`, String(chance.below(100))],
    ['CLUSTER', 'COUNTKEYSINSLOT', String(slotOf(chance.one(tags)))],
    ['CLUSTER', 'KEYSLOT', single],
  ])
  return twin.run(node, made, chance.is(0.3))
}

const script: ClusterStep = (twin, node, chance) => {
  const used = keys(chance)
  const tag = /\{(.*)\}/.exec(used[0] ?? '')?.[1] ?? ''
  const lua = chance.one([
    "return redis.call('GET', KEYS[1])",
    "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('SPUBLISH', ARGV[2], ARGV[1])",
    "for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1]) end return #KEYS",
  ])
  const args = [String(chance.below(100)), `{${tag}}live`]
  return twin.run(node, ['EVAL', lua, `${used.length}`, ...used, ...args], chance.is(0.3))
}

const subscribe: ClusterStep = (twin, node, chance) =>
  twin.subscribe(node, `{${chance.one(tags)}}live`)

/** Commands about slots that any node may get, also at the wrong time. */
const setSlot: ClusterStep = (twin, node, chance) => {
  const slot = String(slotOf(chance.one(tags)))
  const other = chance.one(twin.nodes).id
  const action = chance.one([['STABLE'], ['MIGRATING', other], ['IMPORTING', other]])
  // A node that is given its own id refuses in other words.
  if (other === node.id && action.length > 1) return Promise.resolve()
  return twin.run(node, ['CLUSTER', 'SETSLOT', slot, ...action])
}

const beginMove: ClusterStep = async (twin, target, chance) => {
  const slot = slotOf(chance.one(tags))
  const source = ownerOf(twin, slot)
  if (source === target) return
  await twin.run(target, ['CLUSTER', 'SETSLOT', `${slot}`, 'IMPORTING', source.id])
  await twin.run(source, ['CLUSTER', 'SETSLOT', `${slot}`, 'MIGRATING', target.id])
}

const migrate: ClusterStep = async (twin, node, chance) => {
  const target = chance.one(twin.nodes)
  if (target === node) return
  const used = keys(chance)
  const replace = chance.is(0.5) ? ['REPLACE'] : []
  const which = chance.is(0.5)
    ? [used[0] ?? '', '0', '1000', ...replace]
    : ['', '0', '1000', ...replace, 'KEYS', ...used]
  await twin.run(node, ['MIGRATE', '127.0.0.1', `${target.port}`, ...which])
}

const endMove: ClusterStep = (twin, _node, chance) => {
  const slot = slotOf(chance.one(tags))
  const next = ownerOf(twin, slot).model.migrating.get(slot)
  const target = twin.nodes.find(({ id }) => id === next)
  return target ? finishMove(twin, target, slot) : Promise.resolve()
}

const steps: readonly ClusterStep[] = [
  ...Array<ClusterStep>(6).fill(command),
  ...Array<ClusterStep>(4).fill(script),
  subscribe,
  setSlot,
  beginMove,
  beginMove,
  migrate,
  migrate,
  endMove,
]

/** Gives a slot to a node, with all keys that its owner has, and closes it everywhere. */
async function finishMove(twin: ClusterTwin, target: NodeTwin, slot: number): Promise<void> {
  const source = ownerOf(twin, slot)
  const set = (node: NodeTwin, ...action: string[]): Promise<unknown> =>
    twin.run(node, ['CLUSTER', 'SETSLOT', `${slot}`, ...action])
  if (source !== target) {
    await set(target, 'IMPORTING', source.id)
    await set(source, 'MIGRATING', target.id)
    for (const name of source.model.keysIn(slot))
      await twin.run(source, [
        'MIGRATE',
        '127.0.0.1',
        `${target.port}`,
        name,
        '0',
        '1000',
        'REPLACE',
      ])
  }
  for (const node of [target, source, ...twin.nodes]) await set(node, 'NODE', target.id)
  for (const node of twin.nodes) await set(node, 'STABLE')
  await twin.agree()
}

function ownerOf({ nodes }: ClusterTwin, slot: number): NodeTwin {
  const owner = nodes.find(({ model, id }) => model.slots.ownerOf(slot) === id)
  if (!owner) throw new Error(`No node has the slot ${slot}.`)
  return owner
}
