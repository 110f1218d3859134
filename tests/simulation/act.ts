import type { SimulatedClient } from './client.ts'
import { isFault } from './faults.ts'
import type { Instance } from './instance.ts'
import { goodNetworkConditions } from './line.ts'
import type { SimulatedProcess } from './process.ts'
import type { Action, ClusterFault, Fault, FaultOf, RedisFault, Step } from './steps.ts'
import { goodStoreConditions } from './store/store.ts'
import type { Slot, World } from './world.ts'

/** Lets a step happen to a world. */
export function act(world: World, step: Step): void {
  if (isFault(step)) {
    const { id, atMs: _, kind, ...details } = step
    world.trace.add(`step ${id}`, `${kind} ${JSON.stringify(details)}`, true)
    actFault(world, step)
    return
  }
  if (step.kind === 'publish') {
    world.publisher.publish(step.room, step.count, step.hasKey, step.characters)
    return
  }
  if ('instance' in step) actAtInstance(world, step, slotOf(world, step.instance).instance)
  else actAtPage(clientOf(world, step.client), step)
}

type Work = Exclude<Action, Fault | { kind: 'publish' }>

function actAtInstance(
  { producers, boards }: World,
  step: Extract<Work, { instance: number }>,
  instance: Instance,
): void {
  if (!instance.isUp) return
  if (step.kind === 'produce') producers.produce(step.run, instance)
  else if (step.kind === 'stop') producers.stop(step.run, instance)
  else boards.change(step.board, step.keys, step.isDeletion, instance)
}

function actAtPage(client: SimulatedClient, step: Extract<Work, { client: number }>): void {
  client.process.arrive(0, () => {
    if (step.kind === 'subscribe') client.follow(step.subscribed)
    else if (step.kind === 'unsubscribe') client.follows[step.which]?.stop()
    else if (step.kind === 'watch') client.watch(step.watched)
    else client.watches[step.which]?.stop()
  })
}

function actFault(world: World, fault: Fault): void {
  if ('client' in fault) actOnClient(world, clientOf(world, fault.client), fault)
  else if ('instance' in fault) actOnInstance(world, slotOf(world, fault.instance), fault)
  else if (fault.kind === 'clear') clear(world, fault.room)
  else if (fault.kind === 'store clock') world.store.process.jump(fault.byMs)
  else if (fault.kind === 'flush') world.store.flush()
  else if ('which' in fault) actOnCluster(world, fault)
  else if (fault.kind === 'redis failover' || fault.kind === 'redis restart')
    actOnSingleRedis(world, fault)
  else actOnRedis(world, fault)
}

function actOnCluster({ cluster }: World, fault: ClusterFault): void {
  if (cluster === undefined) throw new Error(`There is no Cluster for ${fault.kind}.`)
  const { which, forMs } = fault
  if (fault.kind === 'slot move') cluster.moveSlot(which, forMs)
  else if (fault.kind === 'node restart') cluster.restart(which, forMs)
  else cluster.failOver(which, fault.lagMs, forMs, fault.oldMaster)
}

function actOnSingleRedis({ redis }: World, fault: SingleRedisFault): void {
  if (redis === undefined) throw new Error(`There is no Redis for ${fault.kind}.`)
  if (fault.kind === 'redis failover') redis.failOver(fault.lagMs, fault.forMs, fault.oldMaster)
  else redis.restart(fault.forMs, fault.hasLog)
}

type SingleRedisFault = FaultOf<'redis failover' | 'redis restart'>

function actOnRedis(world: World, fault: Exclude<RedisFault, SingleRedisFault>): void {
  const redis = world.redis ?? world.cluster
  if (redis === undefined) throw new Error(`There is no Redis for ${fault.kind}.`)
  if (fault.kind === 'redis full') redis.fill(fault.forMs)
  else if (fault.kind === 'redis eviction') redis.evict(fault.room, fault.what)
  else if (fault.kind === 'redis freeze') freeze(world, redis.process, fault.forMs)
  else redis.forgetScripts()
}

type ClientFault = Extract<Fault, { client: number }>
type InstanceFault = Extract<Fault, { instance: number }>

function actOnClient(world: World, client: SimulatedClient, fault: ClientFault): void {
  if (fault.kind === 'cut') world.network.cut(client.name, fault.how)
  else if (fault.kind === 'network') disturbNetwork(world, client, fault)
  else if (fault.kind === 'reload') client.reload(fault.closesSockets)
  else if (fault.kind === 'page clock') client.process.jump(fault.byMs)
  else freeze(world, client.process, fault.forMs)
}

function actOnInstance(world: World, slot: Slot, fault: InstanceFault): void {
  const { process, connection } = slot.instance
  if (fault.kind === 'crash') crash(world, slot, fault)
  else if (fault.kind === 'deploy') deploy(world, slot, fault.overMs)
  else if (fault.kind === 'store') disturbStore(world, slot, fault)
  else if (fault.kind === 'interrupt') connection.interrupt(fault.forMs)
  else if (fault.kind === 'instance clock') process.jump(fault.byMs)
  else freeze(world, process, fault.forMs)
}

function freeze({ timeline }: World, process: SimulatedProcess, forMs: number): void {
  process.freeze()
  timeline.after(forMs, () => process.thaw())
}

function disturbNetwork(
  { timeline, network }: World,
  client: SimulatedClient,
  { conditions, forMs }: FaultOf<'network'>,
): void {
  Object.assign(client.conditions, conditions)
  // Devices notice at once that they are offline.
  if (conditions.isOffline) {
    client.device.setOffline(true)
    network.cut(client.name, 'both')
  }
  timeline.after(forMs, () => {
    Object.assign(client.conditions, goodNetworkConditions())
    network.release(client.name)
    if (conditions.isOffline) client.device.setOffline(false)
  })
}

function disturbStore(
  { timeline }: World,
  slot: Slot,
  { conditions, forMs }: FaultOf<'store'>,
): void {
  Object.assign(slot.conditions, conditions)
  slot.instance.connection.disturbed()
  timeline.after(forMs, () => {
    Object.assign(slot.conditions, goodStoreConditions())
    slot.instance.connection.healed(conditions.isDown ?? false)
  })
}

function crash(world: World, slot: Slot, { forMs, closesSockets }: FaultOf<'crash'>): void {
  const { process } = slot.instance
  if (process.hasCrashed) return
  process.crash()
  world.network.processCrashed(process, closesSockets)
  world.timeline.after(forMs, () => world.restart(slot))
}

/** A new process takes the requests before the old one ends. */
function deploy(world: World, slot: Slot, overMs: number): void {
  const previous = slot.instance
  if (previous.process.hasCrashed) return
  world.restart(slot)
  previous.process.arrive(0, () => {
    previous.deploy(overMs).then(
      () => world.network.processCrashed(previous.process, true),
      (error: unknown) => world.faults.push(`a deploy failed: ${String(error)}`),
    )
  })
}

function clear(world: World, room: string): void {
  const instance = world.slots.map((slot) => slot.instance).find(({ isUp }) => isUp)
  instance?.process.arrive(0, () => {
    instance.channels
      .room({ room })
      .clear()
      .catch(() => {})
  })
}

function clientOf({ clients }: World, number: number): SimulatedClient {
  const client = clients[number]
  if (!client) throw new Error(`There is no client ${number}.`)
  return client
}

function slotOf({ slots }: World, number: number): Slot {
  const slot = slots[number]
  if (!slot) throw new Error(`There is no instance ${number}.`)
  return slot
}
