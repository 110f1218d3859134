import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'

/** The maximum size of a JSON Schema that is sent to the page, in characters. */
const maxCharacters = 65_536

/**
 * Writes the input of a schema as JSON Schema, if its library can do that. Zod does from 4.2 on, by
 * the interface Standard JSON Schema.
 */
export function toJsonSchema(schema: StandardSchemaV1 | undefined): object | undefined {
  const standard: Partial<StandardJSONSchemaV1.Props> | undefined = schema?.['~standard']
  try {
    const json = standard?.jsonSchema?.input({
      target: 'draft-2020-12',
      // For Zod: a date, for example, then accepts any value in the form.
      libraryOptions: { unrepresentable: 'any' },
    })
    return json && JSON.stringify(json).length <= maxCharacters ? json : undefined
  } catch {
    // The form then has one field for JSON.
    return undefined
  }
}
