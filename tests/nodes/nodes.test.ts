import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testedNodes } from '../support/nodes.ts'

const packages = resolve(import.meta.dirname, '../../packages')

describe('the Nodes that are tested', () => {
  it('are what the projects of this run are named by', ({ task }) => {
    const node = testedNodes.find(({ name }) => name === task.file.projectName)
    if (node) expect(process.version).toBe(`v${node.version}`)
    else
      expect(testedNodes.map(({ major }) => major)).toContain(
        Number.parseInt(process.versions.node, 10),
      )
  })

  it.each(readdirSync(packages))('begin with the oldest one that %s supports', (folder) => {
    const { engines } = JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8'))
    const [oldest] = testedNodes
    expect(`${engines.node}.0`).toBe(`>=${oldest?.version}`)
  })

  it('leave out no release line with long-term support', () => {
    const majors = testedNodes.map((node) => node.major)
    const [first = 0] = majors
    expect(majors).toEqual(majors.map((_, i) => first + 2 * i))
  })
})
