import http from 'node:http'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { listen } from '../support/http.ts'

async function scrape(url: string): Promise<string> {
  return (await fetch(url)).text()
}

/** The SDK of OpenTelemetry, without a collector. */
export async function startSdk() {
  const contexts = new AsyncLocalStorageContextManager().enable()
  context.setGlobalContextManager(contexts)
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  const prometheus = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new MeterProvider({ readers: [prometheus] })
  const server = http.createServer((request, response) =>
    prometheus.getMetricsRequestHandler(request, response),
  )
  const { url } = await listen(server)
  return {
    /** The address of the Prometheus endpoint. */
    url,
    tracerProvider,
    meterProvider,
    spans: () => exporter.getFinishedSpans(),
    /** Everything in Prometheus' text format. */
    text: () => scrape(url),
    /** The sum of a metric's values with these labels, as Prometheus reads it. */
    async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      const lines = (await scrape(url)).split('\n')
      return lines
        .filter((line) => line.startsWith(`${name}{`) && wanted.every((one) => line.includes(one)))
        .reduce((sum, line) => sum + Number(/\} (\S+)/.exec(line)?.[1]), 0)
    },
    async [Symbol.asyncDispose]() {
      await meterProvider.shutdown()
      await tracerProvider.shutdown()
      context.disable()
      trace.disable()
      server.close()
    },
  }
}
