import { setTimeout } from 'node:timers/promises'
import type { RedisServer } from './redis.ts'
import { within } from './within.ts'

/** What one node says about the slots. */
interface View {
  /** Whether this node is a master: only masters have slots. */
  readonly isMaster: boolean
  /** The slots of every node with its epoch, as text. All nodes must say the same. */
  readonly claims: string
  /** The slots that this node itself serves, as ranges. */
  readonly ranges: ReadonlyArray<readonly [from: number, to: number]>
}

/** Options of {@link moveSlot}. */
export interface MoveSlotOptions {
  /** The number of nodes between the slot's node and the next one. */
  readonly steps: number
  /** How long the nodes may take, in milliseconds. A node that was killed must be back by then. */
  readonly timeoutMs: number
}

/**
 * Moves a slot and its keys to another node, key by key, while it is in use. If a node fails on the
 * way, the move goes on where it stopped once the node is back.
 */
export async function moveSlot(
  nodes: readonly RedisServer[],
  slot: number,
  { steps, timeoutMs }: MoveSlotOptions,
): Promise<void> {
  let target: RedisServer | undefined
  let at = ''
  const attempt = async (): Promise<void> => {
    at = 'to find its node'
    const masters = await mastersOf(nodes)
    const owner = await ownerOf(masters, slot)
    target ??= masters[(masters.indexOf(owner) + steps) % masters.length] ?? owner
    at = 'to move its keys'
    await moveFrom(owner, target, slot)
    at = 'to notify the nodes'
    await closeSlot(masters, target, slot)
    at = 'until the nodes agree'
    await checkAgreed(nodes)
  }
  const lastError = { message: '' }
  const moved = untilDone(attempt, performance.now() + timeoutMs, lastError)
  await within(timeoutMs, moved, () => `slot ${slot} moves, ${at} ${lastError.message}`)
}

/**
 * Waits until all nodes agree on the slots. A slot that moves again before that may be lost with
 * its keys, because two nodes claim it in the same epoch.
 */
export async function untilNodesAgree(
  nodes: readonly RedisServer[],
  timeoutMs = 20_000,
): Promise<void> {
  const lastError = { message: '' }
  const agreed = untilDone(() => checkAgreed(nodes), performance.now() + timeoutMs, lastError)
  await within(timeoutMs, agreed, () => `nodes agree on the slots: ${lastError.message}`)
}

/** Tries a step until it succeeds, or until the deadline. Keeps the last error. */
async function untilDone(
  step: () => Promise<void>,
  deadlineMs: number,
  lastError: { message: string },
): Promise<void> {
  while (performance.now() < deadlineMs) {
    try {
      return await step()
    } catch (error) {
      lastError.message = String(error)
      await setTimeout(20)
    }
  }
}

/** Moves the keys of a slot, and gives the slot to the target. Does what is left to do. */
async function moveFrom(source: RedisServer, target: RedisServer, slot: number): Promise<void> {
  if (source === target) return
  const [sourceId, targetId] = [await idOf(source), await idOf(target)]
  await target.admin.call('cluster', 'setslot', slot, 'importing', sourceId)
  await source.admin.call('cluster', 'setslot', slot, 'migrating', targetId)
  await moveKeys(source, target, slot)
  // The target first: it takes the slot over with a new epoch, which convinces the others.
  await target.admin.call('cluster', 'setslot', slot, 'node', targetId)
}

/**
 * Moves some keys one by one, and the others in batches. In between, a script has keys on two
 * nodes.
 */
async function moveKeys(source: RedisServer, target: RedisServer, slot: number): Promise<void> {
  for (let moved = 0; ; ) {
    const count = moved < keysMovedAlone ? 1 : keysPerBatch
    const keys = await source.admin.cluster('GETKEYSINSLOT', slot, count)
    if (keys.length === 0) return
    // If the target's reply was lost, both have the keys. Until they are moved, the source's count.
    const options = ['', 0, migrateMs, 'replace', 'keys', ...keys]
    await source.admin.call('migrate', '127.0.0.1', target.port, ...options)
    moved += keys.length
  }
}

const keysMovedAlone = 50
const keysPerBatch = 100
/** How long a node waits for another one, in milliseconds. It does nothing else meanwhile. */
const migrateMs = 5_000

/** Tells every node who has the slot now. This ends its states `migrating` and `importing`. */
async function closeSlot(
  nodes: readonly RedisServer[],
  owner: RedisServer,
  slot: number,
): Promise<void> {
  const id = await idOf(owner)
  for (const { admin } of nodes) await admin.call('cluster', 'setslot', slot, 'node', id)
}

async function checkAgreed(nodes: readonly RedisServer[]): Promise<void> {
  const claims = (await viewsOf(nodes)).map((view) => view.claims)
  if (new Set(claims).size > 1) throw new Error(`different views:\n${claims.join('\n\n')}`)
}

/** Returns the node that has a slot. Throws while none or several of them claim it. */
async function ownerOf(nodes: readonly RedisServer[], slot: number): Promise<RedisServer> {
  const views = await viewsOf(nodes)
  const owners = nodes.filter((_, i) =>
    views[i]?.ranges.some(([from, to]) => from <= slot && slot <= to),
  )
  const [owner] = owners
  if (owner === undefined || owners.length > 1)
    throw new Error(`${owners.length} nodes claim slot ${slot}`)
  return owner
}

async function mastersOf(nodes: readonly RedisServer[]): Promise<readonly RedisServer[]> {
  const views = await viewsOf(nodes)
  return nodes.filter((_, i) => views[i]?.isMaster)
}

function viewsOf(nodes: readonly RedisServer[]): Promise<View[]> {
  return Promise.all(nodes.map(viewOf))
}

/** Reads the slots and the epoch of every node, as one node sees them. */
async function viewOf({ admin }: RedisServer): Promise<View> {
  const lines = String(await admin.call('cluster', 'nodes'))
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  const own = lines.find(([, , flags]) => flags?.includes('myself')) ?? []
  const isMaster = ([, , flags]: readonly string[]): boolean => flags?.includes('master') === true
  // `[93-<-…]` or `[93->-…]`.
  const isOpen = (slots: string): boolean => slots.startsWith('[')
  const ownSlots = own.slice(8)
  return {
    isMaster: isMaster(own),
    claims: lines
      .filter(isMaster)
      .map((line) => [line[0], line[6], ...line.slice(8).filter((s) => !isOpen(s))].join(' '))
      .toSorted()
      .join('\n'),
    ranges: ownSlots
      .filter((slots) => !isOpen(slots))
      .map((slots) => {
        const [from = '', to = from] = slots.split('-')
        return [Number(from), Number(to)] as const
      }),
  }
}

async function idOf({ admin }: RedisServer): Promise<string> {
  return String(await admin.cluster('MYID'))
}
