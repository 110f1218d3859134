import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { channel } from '../channel/definition.ts'
import { createChannels, internalsOf } from '../channels.ts'
import { toJsonSchema } from './json-schema.ts'
import { keyOf, publish, withDates } from './publish.ts'

function internals() {
  const channels = createChannels({
    channels: {
      times: channel({ params: z.object({ room: z.string() }), event: z.object({ at: z.date() }) }),
    },
  })
  const found = internalsOf(channels)
  if (!found) throw new Error('These are no channels.')
  return found
}

describe('an event of the form', () => {
  it('may have dates, in params and events, at any depth', () => {
    const date = new Date('2026-11-28T03:00:00Z')
    const json = { $date: '2026-11-28T03:00:00Z' }
    expect(withDates({ a: [json], b: { c: json } })).toEqual({ a: [date], b: { c: date } })
    expect(withDates({ $date: 'x', other: 1 })).toEqual({ $date: 'x', other: 1 })
  })

  it('is refused if the schema refuses it', async () => {
    const parts = internals()
    const event = { at: { $date: 'yesterday' } }
    await expect(
      publish(parts, { name: 'times', params: { room: 'a' }, event }),
    ).rejects.toMatchObject({ code: 'INVALID_EVENT' })
  })

  it.each(['other', '__proto__', 'constructor', 'close'])('is refused for %s', async (name) => {
    const event = { name, params: undefined, event: 1 }
    await expect(publish(internals(), event)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(() => keyOf(internals(), name, undefined)).toThrow('There is no channel')
  })
})

describe('a schema', () => {
  it('is written as JSON Schema, although it has a date', () => {
    expect(toJsonSchema(z.object({ at: z.date(), text: z.string() }))).toMatchObject({
      properties: { at: {}, text: { type: 'string' } },
    })
  })

  it('is left out if its library can’t write it', () => {
    const validate = (value: unknown): { value: unknown } => ({ value })
    expect(toJsonSchema({ '~standard': { version: 1, vendor: 'own', validate } })).toBeUndefined()
    expect(toJsonSchema(undefined)).toBeUndefined()
  })

  it('is left out if it is larger than 65,536 characters', () => {
    expect(toJsonSchema(z.enum([`a${'x'.repeat(70_000)}`]))).toBeUndefined()
  })
})
