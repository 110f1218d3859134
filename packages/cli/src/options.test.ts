import { describe, expect, it } from 'vitest'
import { parseOptions } from './options.ts'

const specs = {
  last: { value: '<events>', help: '' },
  json: { help: '' },
  header: { value: '<header>', help: '', multiple: true },
}

describe('parseOptions', () => {
  it('takes arguments and options in any order', () => {
    const argv = ['chat', '--last', '5', '{}', '--json', '--header=a:1', '--header', 'b:2']
    const { args, options } = parseOptions(argv, specs)
    expect(args).toEqual(['chat', '{}'])
    expect(options.number('last', { least: 0, most: 10 })).toBe(5)
    expect(options.flag('json')).toBe(true)
    expect(options.texts('header')).toEqual(['a:1', 'b:2'])
    expect(options.text('other')).toBeUndefined()
  })

  it.each([[['--lst', '5']], [['--last']], [['--json=yes']], [['-x']]])('refuses %j', (argv) => {
    expect(() => parseOptions(argv, specs)).toThrow(expect.objectContaining({ exitCode: 2 }))
  })

  it.each(['', '-1', '11', '1.5', '1e1', '0x5', 'NaN', '9'.repeat(400)])(
    'refuses the number %j',
    (text) => {
      const { options } = parseOptions([`--last=${text}`], specs)
      expect(() => options.number('last', { least: 0, most: 10 })).toThrow(
        '--last must be a whole number from 0 to 10.',
      )
    },
  )
})
