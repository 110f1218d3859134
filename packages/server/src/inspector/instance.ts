import { elapsedTime, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelsInternals } from '../channels.ts'
import type { LinkParts } from '../link/link-parts.ts'
import { listChannels } from './channels.ts'
import { checkNotifications, checkStorage } from './checks.ts'
import { Drills } from './drills.ts'
import { readLog } from './log.ts'
import type { Answers, Query, Summary } from './messages.ts'
import { keyOf, listDefinitions, publish } from './publish.ts'
import { Recorder } from './recorder.ts'
import { listRuns } from './runs.ts'
import { listStreams, listSubscriptions } from './streams.ts'

/** The questions that one instance answers about itself. */
export type LocalQuery = Exclude<Query, { readonly type: 'instances' }>

/** The time for which a summary is used again, in milliseconds. */
const summaryMs = 1_000

/** Answers questions about one link and its channels. */
export class Instance {
  readonly #parts: LinkParts
  readonly #drills: Drills
  readonly #recorder: Recorder
  readonly #elapsedMs: () => number
  #summary: { readonly made: Promise<Summary>; readonly atMs: number } | undefined

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.#drills = new Drills(parts.connections, parts.clock)
    this.#recorder = new Recorder(parts.tracer, parts.clock)
    this.#elapsedMs = elapsedTime(parts.clock)
  }

  /** Answers a question. Throws `INVALID_OPTION` if it can't be answered. */
  answer(query: LocalQuery): Promise<unknown> | unknown {
    const { connections } = this.#parts
    switch (query.type) {
      case 'definitions':
        return listDefinitions(this.#channels)
      case 'streams':
        return listStreams(connections, this.#drills, query.filter)
      case 'stream':
        return listSubscriptions(connections, query.stream)
      case 'channels':
        return listChannels(this.#channels, query.filter)
      case 'log':
        return readLog(this.#channels, query.log)
      case 'find':
        return readLog(this.#channels, keyOf(this.#channels, query.name, query.params))
      case 'runs':
        return listRuns(this.#channels)
      case 'steps':
        return this.#recorder.since(query.since)
      case 'publish':
        return publish(this.#channels, query)
      case 'drill':
        return { message: this.#drills.run(query.drill, query.stream) }
      case 'interrupt':
        return this.#interrupt()
    }
  }

  /** Returns counts, and the results of checks. */
  summary(askSelf: (() => Promise<unknown>) | undefined): Promise<Summary> {
    const nowMs = this.#elapsedMs()
    if (!this.#summary || nowMs - this.#summary.atMs >= summaryMs)
      this.#summary = { made: this.#summarize(askSelf), atMs: nowMs }
    return this.#summary.made
  }

  async #summarize(askSelf: (() => Promise<unknown>) | undefined): Promise<Summary> {
    const { connections, channels, clock } = this.#parts
    const none = { state: 'none', tookMs: 0 } as const
    const [storage, notifications] = channels
      ? await Promise.all([
          checkStorage(channels.backend, clock),
          checkNotifications(clock, askSelf),
        ])
      : [none, none]
    const all = [...connections.all].filter(({ isStarted }) => isStarted)
    const waiting = all.map(({ bytesWaiting }) => bytesWaiting)
    return {
      ...connections.counters,
      streams: all.length,
      subscriptions: connections.subscriptions,
      behind: all.filter((connection) => connection.isBackpressured()).length,
      short: all.filter((connection) => connections.short.has(connection)).length,
      bytesWaiting: waiting.reduce((most, bytes) => Math.max(most, bytes), 0),
      channels: channels ? [...channels.hubs.all()].length : 0,
      runs: channels?.producing() ?? 0,
      storage,
      notifications,
      isDraining: connections.isDraining,
    }
  }

  #interrupt(): Answers['interrupt'] {
    const { backend } = this.#channels
    if (!backend.interruptListeners) {
      const message = 'The backend has no connection for notifications that could be dropped.'
      throw new RealtimeError('INVALID_OPTION', message)
    }
    backend.interruptListeners()
    return { message: 'The connection for notifications was dropped. A new one follows.' }
  }

  get #channels(): ChannelsInternals {
    const { channels } = this.#parts
    if (channels) return channels
    const message = 'This link has no channels. Give createServerLink() the option `channels`.'
    throw new RealtimeError('INVALID_OPTION', message)
  }
}
