import { type HolderUsage, totalUsage, type Usage, usageText } from './usage-text.ts'

/** The limits of one key. */
export interface KeyLimitsSettings {
  readonly connectionsPerKey: number
  readonly subscriptionsPerKey: number
  readonly connectsPerKeyAndMinute: number
}

/** A request for one stream with its subscriptions, or for more subscriptions of a stream. */
export interface UsageRequest extends Usage {
  readonly connections: 0 | 1
}

/** What a request gets. `'waits'` if there is no room for its stream now. */
export type Decision = { readonly subscriptions: number } | 'waits'

/** What an instance wants to store about a key, and what its requests get then. */
export interface UsagePlan {
  /** The new text of the entry; `null` removes it. */
  readonly text: string | null
  readonly decisions: readonly Decision[]
  /** The number of streams that are opened. */
  readonly connects: number
}

/** The parts of {@link planUsage}. */
export interface PlanInput {
  /** What others use. */
  readonly others: readonly HolderUsage[]
  readonly holder: string
  /** What the holder uses before the requests. */
  readonly held: Usage
  readonly requests: readonly UsageRequest[]
  readonly limits: KeyLimitsSettings
  /** The maximum number of streams to open. */
  readonly maxConnects: number
}

/**
 * Decides which requests get what they ask for, in order. A request for more subscriptions gets as
 * many as there is room for.
 */
export function planUsage(input: PlanInput): UsagePlan {
  const { others, holder, held, requests, limits, maxConnects } = input
  const elsewhere = totalUsage(others)
  let { connections, subscriptions } = held
  let connects = 0
  const decisions = requests.map((request): Decision => {
    const room = limits.connectionsPerKey - elsewhere.connections - connections
    if (request.connections > 0 && (room < 1 || connects >= maxConnects)) return 'waits'
    const left = limits.subscriptionsPerKey - elsewhere.subscriptions - subscriptions
    const granted = Math.max(0, Math.min(request.subscriptions, left))
    connections += request.connections
    connects += request.connections
    subscriptions += granted
    return { subscriptions: granted }
  })
  const text = usageText([...others, { holder, connections, subscriptions }])
  return { text, decisions, connects }
}
