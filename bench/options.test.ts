import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'
import { plan } from './run.ts'
import { scenarioNames } from './scenarios/scenario.ts'
import { sizes } from './sizes.ts'
import { targetNames } from './targets/target.ts'

describe('the command line', () => {
  it('measures everything by default', () => {
    const options = readOptions([])
    expect(options).toMatchObject({
      size: 'normal',
      scenarios: scenarioNames,
      targets: targetNames,
    })
    expect(options.sizes).toEqual(sizes.normal)
  })

  it('changes one size and leaves the others', () => {
    const options = readOptions([
      '--quick',
      '--subscribers',
      '1,70',
      '--rounds',
      '5',
      '--load-ms',
      '90',
    ])
    expect(options.sizes).toEqual({ ...sizes.quick, subscribers: [1, 70], rounds: 5, loadMs: 90 })
  })

  it.each([
    ['--targets', 'ours,trpc', 'no target "trpc"'],
    ['--scenarios', 'fan-in', 'no scenario "fan-in"'],
    ['--subscribers', '1,0', '"0" is not a whole number'],
    ['--rounds', '1.5', '"1.5" is not a whole number'],
    ['--idle', '5', "Unknown option '--idle'"],
  ])('refuses %s %s', (option, value, message) => {
    expect(() => readOptions([option, value])).toThrow(message)
  })
})

describe('the plan', () => {
  it('has the selected scenarios and targets, and no empty table', () => {
    const planned = plan(readOptions(['--scenarios', 'fan-out,storm', '--targets', 'stock,orpc']))
    expect(planned.map(([{ name }]) => name)).toEqual(['fan-out', 'storm'])
    const targets = planned.flatMap(([, cases]) =>
      cases.map(({ rows }) => rows.map(({ target }) => target)),
    )
    expect(new Set(targets.flat())).toEqual(new Set(['stock', 'orpc']))
    expect(targets.every((rows) => rows.length > 0)).toBe(true)
    expect(plan(readOptions(['--scenarios', 'generators', '--targets', 'ws']))).toMatchObject([
      [{}, []],
    ])
  })

  it('has each table, and each row of it, once', () => {
    for (const [, cases] of plan(readOptions([]))) {
      const titles = cases.map(({ title }) => title)
      expect(new Set(titles).size).toBe(titles.length)
      for (const { rows } of cases) {
        expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
      }
    }
  })

  it('compares only with rows that exist', () => {
    for (const [{ ratios }, cases] of plan(readOptions([]))) {
      const named = cases.flatMap(({ rows }) =>
        rows.map(({ name }) => ({ name, all: rows.map((row) => row.name) })),
      )
      for (const { to, title } of ratios) {
        const found = named.filter(({ name, all }) => all.includes(to(name) ?? ''))
        expect(found.length, title).toBeGreaterThan(0)
      }
    }
  })
})
