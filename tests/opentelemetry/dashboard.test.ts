import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import dashboard from '@trpc-sse/opentelemetry/grafana-dashboard.json' with { type: 'json' }
import { describe, expect, it, vi } from 'vitest'
import { follow } from '../support/follow.ts'
import { openRaw } from '../support/http.ts'
import { root } from '../support/pages.ts'
import { startApp } from './app.ts'

/** What a query in PromQL reads. Throws if it isn't valid. */
function readQuery(query: string): { readonly metrics: string[]; readonly labels: string[] } {
  const text = query.replaceAll('$__rate_interval', '1m')
  const metrics: string[] = []
  const labels: string[] = []
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) throw new Error(`${query} is invalid at ${from}.`)
      const name = text.slice(from, to)
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(name)
      if (type.name === 'LabelName' && name !== 'le') labels.push(name)
    },
  })
  return { metrics, labels }
}

describe('the Grafana dashboard', () => {
  it('has the types of Grafana', () => {
    const folder = mkdtempSync(join(root, 'tests/opentelemetry/dashboard-'))
    try {
      writeFileSync(
        join(folder, 'dashboard.ts'),
        `import type { Dashboard, VizLegendOptions, VizTooltipOptions } from '@grafana/schema'
type Literal<T> = T extends string ? \`\${T}\` : T
type Literals<T> = { [K in keyof T]: Literal<T[K]> }
type Options = { legend: Literals<VizLegendOptions>; tooltip: Literals<VizTooltipOptions> }
export const dashboard: Dashboard = ${JSON.stringify(dashboard)}
export const options: Options[] = ${JSON.stringify(dashboard.panels.map((panel) => panel.options))}
`,
      )
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ extends: '../../../tsconfig.base.json', include: ['dashboard.ts'] }),
      )
      const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], {
        cwd: folder,
        encoding: 'utf8',
      })
      expect(stdout).toBe('')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('asks for metrics and labels that there are', async () => {
    await using app = await startApp()
    const followed = follow(app.client, 'onMessage', { id: 'secret' })
    await followed.nextMany(3)
    // A gap, refusals by the schema and by a limit, and a failure.
    const { id: lastEventId } = await app.room.publish({ text: '0' })
    for (let n = 1; n < 9; n++) await app.room.publish({ text: String(n) })
    const streamUrl = `${app.server.url}/onMessage?input={"id":"secret"}`
    await openRaw(`${streamUrl}&lastEventId=${lastEventId}`)
    await openRaw(streamUrl)
    await app.room.publish({ text: 1 } as never).catch(() => {})
    follow(app.client, 'onMessage', { id: 1 })
    const limited = { trpc_sse_limit: 'connectionsPerAddress' }
    await vi.waitFor(async () =>
      expect(await app.sdk.metric('trpc_sse_refused_total', limited)).toBe(1),
    )
    await vi.waitFor(async () => expect(await app.sdk.metric('trpc_sse_gaps_total')).toBe(1))
    await vi.waitFor(async () => expect(await app.sdk.metric('trpc_sse_failed_total')).toBe(1))
    const text = await app.sdk.text()
    for (const { expr } of dashboard.panels.flatMap(({ targets }) => targets)) {
      const { metrics, labels } = readQuery(expr)
      expect(metrics, expr).toHaveLength(1)
      const values = text.split('\n').filter((line) => line.startsWith(`${metrics[0]}{`))
      expect(values, expr).not.toEqual([])
      for (const label of labels)
        if (metrics[0] !== 'trpc_sse_failed_total' || label !== 'trpc_sse_limit')
          expect(values.join('\n'), expr).toContain(`${label}="`)
    }
    followed.unsubscribe()
  })
})
