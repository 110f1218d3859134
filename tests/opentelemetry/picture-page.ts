import uPlot from 'uplot'

/** A panel of the dashboard, with the values that Prometheus has for it. */
export interface DrawnPanel {
  readonly title: string
  readonly unit: string
  readonly timesS: readonly number[]
  readonly series: ReadonlyArray<{ readonly label: string; readonly values: readonly number[] }>
}

const colors = ['#7eb26d', '#eab839', '#6ed0e0', '#ef843c', '#e24d42', '#1f78c1', '#ba43a9']
const units: Readonly<Record<string, (value: number) => string>> = {
  s: (value) =>
    value < 1 ? `${+(value * 1_000).toPrecision(3)} ms` : `${+value.toPrecision(3)} s`,
  ops: (value) => `${+value.toPrecision(3)} /s`,
  Bps: (value) => `${+(value / 1_000_000).toPrecision(3)} MB/s`,
  short: (value) => `${+value.toPrecision(3)}`,
}

/** Draws panels in two columns. */
function draw(panels: readonly DrawnPanel[]): void {
  for (const { title, unit, timesS, series } of panels) {
    const write = units[unit] ?? units.short ?? String
    const about = { width: 620, height: 190, title, legend: { live: false } }
    const axis = { stroke: '#ccccdc', grid: { stroke: '#2c3235' }, ticks: { stroke: '#2c3235' } }
    const lines = series.map(({ label }, i) => ({
      label,
      stroke: colors[i % colors.length] ?? '#fff',
      width: 1.5,
      points: { show: false },
    }))
    const axes = [axis, { ...axis, size: 70, values: (_: uPlot, all: number[]) => all.map(write) }]
    const scales = {
      y: { range: (_: uPlot, __: number, max: number) => [0, max * 1.1 || 1] as never },
    }
    const data = [[...timesS], ...series.map(({ values }) => [...values])]
    const box = document.createElement('div')
    document.body.append(box)
    new uPlot({ ...about, scales, axes, series: [{}, ...lines] }, data as never, box)
  }
}

Object.assign(globalThis, { draw })
