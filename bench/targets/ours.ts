import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, InMemorySpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { initTRPC } from '@trpc/server'
import { openTelemetry } from '@trpc-sse/opentelemetry'
import { shortHash, type Trace } from '@trpc-sse/protocol'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { z } from 'zod'
import { tick } from '../payload.ts'
import { createRunTarget } from './ours-run.ts'
import { forEachChannel, post } from './requests.ts'
import type { Target, TargetSettings } from './target.ts'
import { createTickRouter, createTickSource, singleRequests, tickInput } from './tick-router.ts'

// All connections come from one address here, so the limit per address is lifted.
const limits = { connections: 50_000, connectionsPerKey: 50_000 }

/**
 * Ours: a procedure that returns a channel's subscription, the same generators that stock serves, or
 * a run.
 */
export function createTarget(settings: TargetSettings): Target {
  if (settings.source === 'run') return createRunTarget(settings)
  return settings.source === 'channel' ? channelTarget(settings) : generatorTarget(settings)
}

function channelTarget(settings: TargetSettings): Target {
  const { redisUrl, retain, isGuarded, isTraced } = settings
  const channels = createChannels({
    backend: redisUrl === undefined ? memoryBackend() : redisBackend({ url: redisUrl }),
    channels: {
      ticks: channel({
        params: z.object({ n: z.number() }),
        event: tick,
        retain: { events: retain },
      }),
    },
    ...(isTraced && { trace: tracing() }),
  })
  const handles = forEachChannel(settings.channels, (n) => channels.ticks({ n }))
  const t = initTRPC.create()
  const router = t.router({
    onTick: t.procedure
      .input(tickInput)
      .subscription((opts) => channels.ticks({ n: opts.input.channel }).subscribe(opts)),
  })
  const server = createHTTPServer({
    router,
    channels,
    ...(isGuarded ? guarded : { limits }),
    createContext: () => ({}),
  })
  return {
    server,
    requests: (lastEventId) => requests(settings, lastEventId),
    subscribed: () => server.link.stats().subscriptions,
    publish: (event, n) => handles[n]?.publish(event),
  }
}

/** All clients are one user here, with a token that expires in an hour. */
const guarded = {
  limits: {
    ...limits,
    scope: 'fleet',
    subscriptionsPerKey: 50_000,
    connectsPerKeyAndMinute: 1_000_000,
  },
  connectionKey: () => 'user',
  expiresAt: () => Date.now() + 3_600_000,
} as const

/** Records everything, as an app would that has a Prometheus endpoint and exports spans in batches. */
function tracing(): Trace {
  const exporter = new InMemorySpanExporter()
  const meterProvider = new MeterProvider({ readers: [new PrometheusExporter({ port: 0 })] })
  const tracerProvider = new TracerProvider({
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  setInterval(() => exporter.reset(), 1_000).unref()
  return openTelemetry({ meterProvider, tracerProvider })
}

function generatorTarget(settings: TargetSettings): Target {
  const source = createTickSource(settings)
  return {
    server: createHTTPServer({ router: createTickRouter(source), limits }),
    requests: (lastEventId) => requests(settings, lastEventId),
    subscribed: source.reading,
    publish: source.publish,
  }
}

function requests(
  { channels, perConnection }: TargetSettings,
  lastEventId: string | undefined,
): string[] {
  if (perConnection === undefined) return singleRequests(channels, lastEventId)
  return forEachChannel(Math.ceil(channels / perConnection), (set) => {
    const wanted = forEachChannel(perConnection, (i) => {
      const subscription = {
        path: 'onTick',
        input: { channel: (set * perConnection + i) % channels },
      }
      const position = lastEventId === undefined ? {} : { lastEventId }
      return [shortHash(JSON.stringify(subscription)), { ...subscription, ...position }] as const
    })
    return post('/~sse', { version: 1, revision: 1, subscriptions: Object.fromEntries(wanted) })
  })
}
