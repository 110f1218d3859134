import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { exampleFolder, runScript } from '../support/command.ts'
import { ask } from '../support/http.ts'
import { freePort, startRedis } from '../support/redis.ts'

const folder = exampleFolder('redis-two-servers')
const read = (name: string): string => readFileSync(join(folder, 'deploy', name), 'utf8')

const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  failureThreshold: z.number(),
})
const deployment = z.object({
  kind: z.literal('Deployment'),
  spec: z.object({
    replicas: z.number(),
    strategy: z.object({
      rollingUpdate: z.object({ maxSurge: z.number(), maxUnavailable: z.number() }),
    }),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.tuple([
          z.object({
            ports: z.tuple([z.object({ name: z.string(), containerPort: z.number() })]),
            env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
            startupProbe: probe,
            readinessProbe: probe,
            livenessProbe: probe,
          }),
        ]),
      }),
    }),
  }),
})
const service = z.object({
  kind: z.literal('Service'),
  spec: z.object({
    selector: z.record(z.string(), z.string()),
    ports: z.tuple([z.object({ targetPort: z.string() })]),
  }),
})
const budget = z.object({
  kind: z.literal('PodDisruptionBudget'),
  spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }),
})
const manifest = z.tuple([deployment, service, budget])

const app = z.object({
  build: z.object({ context: z.string(), dockerfile: z.string() }),
  environment: z.record(z.string(), z.string()),
  stop_grace_period: z.string().regex(/^\d+s$/),
  healthcheck: z.object({ test: z.array(z.string()) }),
})
const compose = z.object({
  services: z.looseObject({
    app1: app,
    app2: app,
    app3: app,
    caddy: z.object({ ports: z.array(z.string()), volumes: z.array(z.string()) }),
  }),
})

const kubernetes = manifest.parse(
  parseAllDocuments(read('kubernetes.yaml')).map((document) => document.toJS()),
)
const [{ spec: pods }, { spec: balancer }, { spec: disruptions }] = kubernetes
const { containers, terminationGracePeriodSeconds } = pods.template.spec
const [container] = containers
const podEnv = Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? '']))
const { services } = compose.parse(parse(read('compose.yaml'), { merge: true }))
const caddyfile = read('Caddyfile')

/** The times of a shutdown with these variables, in milliseconds. */
const timesOf = (env: Readonly<Record<string, string>>) => ({
  unreadyMs: Number(env.UNREADY_MS),
  // Clients have five seconds to open a stream elsewhere.
  drainedMs: Number(env.UNREADY_MS) + Number(env.DRAIN_OVER_MS) + 5_000,
})
/** The default of `timeoutMs`. */
const timeoutMs = 28_000

describe('kubernetes.yaml', () => {
  it('sends clients to the pods of the deployment, at the port of the server', () => {
    const { labels } = pods.template.metadata
    const [port] = container.ports
    expect(pods.selector.matchLabels).toEqual(labels)
    expect(balancer.selector).toEqual(labels)
    expect(disruptions.selector.matchLabels).toEqual(labels)
    expect(balancer.ports[0].targetPort).toBe(port.name)
    expect(podEnv.PORT).toBe(`${port.containerPort}`)
    for (const { httpGet } of [
      container.startupProbe,
      container.readinessProbe,
      container.livenessProbe,
    ])
      expect(httpGet.port).toBe(port.name)
  })

  it('never has fewer pods than replicas, and gives each one the time of its shutdown', () => {
    expect(pods.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 })
    const { unreadyMs, drainedMs } = timesOf(podEnv)
    const { periodSeconds, failureThreshold } = container.readinessProbe
    expect(unreadyMs).toBeGreaterThan(periodSeconds * failureThreshold * 1_000)
    expect(timeoutMs).toBeGreaterThan(drainedMs)
    expect(terminationGracePeriodSeconds * 1_000).toBeGreaterThan(timeoutMs)
  })

  it('doesn’t kill a pod that is only shutting down', () => {
    expect(container.livenessProbe.httpGet.path).not.toBe(container.readinessProbe.httpGet.path)
  })
})

describe('compose.yaml', () => {
  it('gives each server the time of its shutdown', () => {
    const interval = Number(/health_interval (\d+)s/.exec(caddyfile)?.[1])
    const timeout = Number(/health_timeout (\d+)s/.exec(caddyfile)?.[1])
    for (const { environment, stop_grace_period } of [
      services.app1,
      services.app2,
      services.app3,
    ]) {
      const { unreadyMs, drainedMs } = timesOf(environment)
      expect(unreadyMs).toBeGreaterThan((interval + timeout) * 1_000)
      expect(timeoutMs).toBeGreaterThan(drainedMs)
      expect(Number.parseInt(stop_grace_period, 10) * 1_000).toBeGreaterThan(timeoutMs)
    }
  })

  it('puts Caddy in front of its servers, at their port', () => {
    const upstreams = /reverse_proxy (.*) \{/.exec(caddyfile)?.[1]?.split(' ')
    expect(upstreams).toEqual(
      (['app1', 'app2', 'app3'] as const).map(
        (name) => `${name}:${services[name].environment.PORT}`,
      ),
    )
    const listens = /^(:\d+) \{/m.exec(caddyfile)?.[1]
    expect(services.caddy.ports).toEqual([expect.stringMatching(new RegExp(`${listens}$`))])
    expect(services.caddy.volumes[0]).toMatch(/^\.\/Caddyfile:/)
  })

  it('builds an image in which node gets the signal', () => {
    const { build } = services.app1
    expect(build).toEqual({ context: '..', dockerfile: 'deploy/Dockerfile' })
    expect(read('Dockerfile')).toMatch(/^CMD \["node", "server.ts"\]$/m)
  })
})

it('the server answers the probes of all of them', async () => {
  await using redis = await startRedis()
  const port = `${await freePort()}`
  const env = { ...podEnv, PORT: port, REDIS_URL: redis.url, UNREADY_MS: '0', DRAIN_OVER_MS: '0' }
  await using server = runScript(folder, ['server'], env)
  await server.says(new RegExp(`http://localhost:${port}`))
  const paths = [
    container.startupProbe.httpGet.path,
    container.readinessProbe.httpGet.path,
    container.livenessProbe.httpGet.path,
    /health_uri (\S+)/.exec(caddyfile)?.[1],
    /fetch\('http:\/\/localhost:3000(\/\w+)'\)/.exec(services.app1.healthcheck.test.join(' '))?.[1],
  ]
  for (const path of paths)
    expect(await ask(`http://127.0.0.1:${port}${path}`)).toEqual({ status: 200, text: 'ok' })
  await server.stop()
})
