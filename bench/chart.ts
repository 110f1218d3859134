/** The bars of one figure. */
export interface Panel {
  readonly title: string
  readonly bars: readonly Bar[]
}

/** One bar, and the label at its end. */
export interface Bar {
  readonly name: string
  readonly value: number
  readonly label: string
}

const columns = 2
const width = 460
const labelWidth = 130
const barWidth = 230
const lineHeight = 24
const headHeight = 48
const gap = 16

// The chart has its own background, so that it is readable on light and dark pages, whichever color
// scheme the viewer prefers.
const style = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .ground { fill: #ffffff; stroke: #d1d9e0 }
  .bar { fill: #afb8c1 }
  .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ground { fill: #0d1117; stroke: #3d444d }
    .bar { fill: #545d68 }
    .ours { fill: #4493f8 }
  }`

/** Draws panels of horizontal bars, the shortest bar on top, and two panels in each row. */
export function drawChart(title: string, panels: readonly Panel[]): string {
  const height =
    headHeight + lineHeight * Math.max(0, ...panels.map(({ bars }) => bars.length)) + gap
  const rows = Math.ceil(panels.length / columns)
  const [totalWidth, totalHeight] = [columns * width + gap * 2, rows * height + gap * 2]
  const groups = panels.map((panel, i) => {
    const [x, y] = [gap + (i % columns) * width, gap + Math.floor(i / columns) * height]
    return `<g transform="translate(${x} ${y})">\n${drawPanel(panel)}\n</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${totalWidth} ${totalHeight}" role="img">`,
    `<title>${xml(title)}</title>`,
    `<style>${style}\n</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${totalWidth - 1}" height="${totalHeight - 1}" rx="8"/>`,
    ...groups,
    '</svg>\n',
  ].join('\n')
}

function drawPanel({ title, bars }: Panel): string {
  const most = Math.max(...bars.map(({ value }) => value))
  const sorted = [...bars].sort((a, b) => a.value - b.value)
  const lines = sorted.map((bar, i) => drawBar(bar, headHeight + i * lineHeight, most))
  return [`<text class="title" x="8" y="24">${xml(title)}</text>`, ...lines].join('\n')
}

function drawBar({ name, value, label }: Bar, y: number, most: number): string {
  const length = Math.max(1, (value / most) * barWidth)
  const kind = name.startsWith('ours') ? 'bar ours' : 'bar'
  return [
    `<text x="${labelWidth - 8}" y="${y + 13}" text-anchor="end">${xml(name)}</text>`,
    `<rect class="${kind}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="16" rx="2"/>`,
    `<text x="${(labelWidth + length + 6).toFixed(1)}" y="${y + 13}">${xml(label)}</text>`,
  ].join('')
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
