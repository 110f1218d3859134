import { CommandError } from '../reply.ts'
import { clusterHost } from './host.ts'

export const crossSlot = (): CommandError =>
  new CommandError("CROSSSLOT Keys in request don't hash to the same slot")

export const tryAgain = (): CommandError =>
  new CommandError('TRYAGAIN Multiple keys request during rehashing of slot')

export const clusterDown = (): CommandError => new CommandError('CLUSTERDOWN The cluster is down')

/** The reply that sends a client to another node. */
export function redirection(how: 'MOVED' | 'ASK', slot: number, port: number): CommandError {
  return new CommandError(`${how} ${slot} ${clusterHost}:${port}`)
}
