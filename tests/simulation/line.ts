import type { Chance } from './chance.ts'
import type { WirePositions } from './wire-positions.ts'

/** What is wrong between one client and the instances, for now. */
export interface NetworkConditions {
  /** There is no network: requests fail at once. */
  isOffline: boolean
  /** Nothing arrives any more, in either direction, and nobody is told. */
  isBlackHole: boolean
  /** A proxy answers most requests itself, with this status. */
  badGateway: number | undefined
  /** A proxy holds back what it receives. */
  isBuffering: boolean
  /** Nothing is delivered; it is only late. */
  isStalled: boolean
  /** Half of the answers to requests are lost, though the requests arrived. */
  losesAnswers: boolean
  slowness: number
}

/** Creates the conditions of a good day. */
export function goodNetworkConditions(): NetworkConditions {
  return {
    isOffline: false,
    isBlackHole: false,
    badGateway: undefined,
    isBuffering: false,
    isStalled: false,
    losesAnswers: false,
    slowness: 1,
  }
}

/** How a connection is cut: who notices, and when. */
export type Cut = 'both' | 'only client' | 'only server' | 'politely' | 'in a chunk'

/** What one page has of the network. */
export interface Line {
  readonly conditions: NetworkConditions
  readonly chance: Chance
  readonly positions: WirePositions
}
