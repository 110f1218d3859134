import type http from 'node:http'
import type { Tick } from '../payload.ts'

/** What is measured: one file each in this folder. */
export const targetNames = [
  'ours',
  'stock',
  'raw',
  'better-sse',
  'graphql-sse',
  'orpc',
  'ws',
] as const

/** One of the servers that are measured side by side. */
export type TargetName = (typeof targetNames)[number]

/** How a target is set up. */
export interface TargetSettings {
  /**
   * Channels, numbered from 0. A connection subscribes to one of them, or in multiplexed mode to
   * several.
   */
  readonly channels: number
  /**
   * Subscriptions on each connection, to as many channels: multiplexed mode. `undefined`: single
   * mode.
   */
  readonly perConnection?: number
  /** Whether raw calls a procedure of tRPC's for each connection, as whoever serves tRPC must. */
  readonly callsProcedure?: boolean
  /** Whether procedures return a channel's subscription, or are generators of the app's own. */
  readonly source: 'channel' | 'generator'
  /** Where events are kept; in memory, if there is no URL. */
  readonly redisUrl?: string
  /** Events that can be resumed from, in each channel. */
  readonly retain: number
}

/** The settings where nothing else is said. */
export const defaultSettings: TargetSettings = { channels: 1, source: 'channel', retain: 1_000 }

/** A server that is measured. */
export interface Target {
  readonly server: http.Server
  /**
   * What a client writes to a new socket to subscribe: one request for each channel, or for each
   * set of channels, which connections take in turn. With an id, those who continue after it.
   */
  requests(lastEventId?: string): readonly string[]
  /** How many subscriptions are there that will get what is published next. */
  subscribed(): number
  /**
   * Sends an event to all who are subscribed to a channel. What it returns settles once the event
   * is kept.
   */
  publish(event: Tick, channel: number): unknown
}
