// Draws docs/dashboard.png: the panels of the Grafana dashboard, with the values that a real
// Prometheus has after watching an app for some minutes. It needs Debian's `prometheus`, and runs
// by hand: node tests/opentelemetry/picture.ts

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import dashboard from '@trpc-sse/opentelemetry/grafana-dashboard.json' with { type: 'json' }
import { build } from 'esbuild'
import { openChromium } from '../support/browsers/puppeteer.ts'
import { listen, openRaw } from '../support/http.ts'
import { root } from '../support/pages.ts'
import { startProgram } from '../support/program.ts'
import { startApp } from './app.ts'
import type { DrawnPanel } from './picture-page.ts'

const minutes = 4
const port = 19_090

/** Starts a Prometheus that reads an endpoint every two seconds. */
async function startPrometheus(target: string): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'))
  const scrape = { job_name: 'app', static_configs: [{ targets: [new URL(target).host] }] }
  const config = { global: { scrape_interval: '2s' }, scrape_configs: [scrape] }
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const prometheus = startProgram(
    process.env.PROMETHEUS_BIN || '/usr/bin/prometheus',
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { readsErrors: true },
  )
  await prometheus.says(/Server is ready/)
  return {
    async [Symbol.asyncDispose]() {
      await prometheus.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What happens to the app: people come and go, one reads slowly, one was away for too long. */
async function live({ server, room }: Awaited<ReturnType<typeof startApp>>): Promise<void> {
  const url = `${server.url}/onMessage?input={"id":"secret"}`
  const streams = [await openRaw(url)]
  const { id: old } = await room.publish({ text: 'first' })
  const endMs = Date.now() + minutes * 60_000
  for (let turn = 0; Date.now() < endMs; turn++) {
    const count = 1 + Math.round(4 + 4 * Math.sin(turn / 120))
    for (let i = 0; i < count; i++) await room.publish({ text: `message ${turn}` })
    if (turn % 40 === 0 && streams.length < 12) streams.push(await openRaw(url))
    if (turn % 170 === 100) await room.publish({ text: 1 } as never).catch(() => {})
    if (turn % 230 === 60) (await openRaw(`${url}&lastEventId=${old}`)).leave()
    if (turn % 310 === 200) (await openRaw(`${server.url}/onMessage?input={"id":1}`)).leave()
    if (turn === 500) streams[0]?.pause()
    if (turn > 500 && turn < 700) await room.publish({ text: 'x'.repeat(30_000) })
    if (turn === 900) streams[0]?.resume()
    if (turn === 1_100) streams.pop()?.leave()
    await setTimeout(100)
  }
  for (const stream of streams) stream.leave()
}

interface Matrix {
  readonly data: {
    readonly result: ReadonlyArray<{
      readonly metric: Readonly<Record<string, string>>
      readonly values: ReadonlyArray<readonly [timeS: number, value: string]>
    }>
  }
}

/** Asks Prometheus for the values of a panel. */
async function readPanel(panel: (typeof dashboard.panels)[number]): Promise<DrawnPanel> {
  const end = Math.floor(Date.now() / 1_000)
  const timesS = Array.from({ length: minutes * 30 }, (_, i) => end - minutes * 60 + 2 * i)
  const series: Array<{ label: string; values: number[] }> = []
  for (const { expr, legendFormat } of panel.targets) {
    const query = expr.replaceAll('$__rate_interval', '20s')
    const range = new URLSearchParams({ query, start: `${timesS[0]}`, end: `${end}`, step: '2' })
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query_range?${range}`)
    const { data } = (await answer.json()) as Matrix
    for (const { metric, values } of data.result) {
      const at = new Map(values.map(([timeS, value]) => [timeS, Number(value)]))
      const label = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, name) => metric[name] ?? '').trim()
      series.push({ label, values: timesS.map((timeS) => at.get(timeS) ?? (null as never)) })
    }
  }
  return { title: panel.title, unit: panel.fieldConfig.defaults.unit, timesS, series }
}

async function drawPage(panels: readonly DrawnPanel[]): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: ['./picture-page.ts', 'uplot/dist/uPlot.min.css'],
    bundle: true,
    write: false,
    outdir: '/',
    format: 'iife',
  })
  const [script, style] = ['.js', '.css'].map(
    (end) => outputFiles.find(({ path }) => path.endsWith(end))?.text,
  )
  const look =
    'body{margin:0;padding:8px;background:#111217;color:#ccccdc;font:12px sans-serif;display:grid;grid-template-columns:1fr 1fr;gap:8px}body>div{background:#181b1f;padding:6px;border:1px solid #2c3235}'
  const html = `<!doctype html><style>${style}${look}</style><body><script>${script}</script>`
  await using server = await listen((_, response) => response.end(html))
  await using browser = await openChromium()
  const { page } = await browser.open(server.url)
  await page.setViewport({ width: 1_300, height: 800 })
  await page.evaluate(
    (all) => (globalThis as never as { draw(all: unknown): void }).draw(all),
    panels,
  )
  await page.screenshot({ path: join(root, 'docs/dashboard.png'), fullPage: true })
}

await using app = await startApp({ limits: { connectionsPerAddress: 8 } })
await using _prometheus = await startPrometheus(app.sdk.url)
await live(app)
await drawPage(await Promise.all(dashboard.panels.map(readPanel)))
