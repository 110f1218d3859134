import {
  type inferTransformedProcedureOutput,
  initTRPC,
  type TRPCCombinedDataTransformer,
  type TRPCDataTransformer,
  type TRPCDefaultErrorShape,
  type TRPCQueryProcedure,
} from '@trpc/server'

/** A data transformer, as `initTRPC.create` and the client's links take it. */
export type Transformer = TRPCDataTransformer | TRPCCombinedDataTransformer

/**
 * The type of a stored event when it is read: with a transformer, the event; without one, what JSON
 * makes of it.
 */
export type Stored<
  TEvent,
  TTransformer extends Transformer | undefined,
> = TTransformer extends undefined
  ? inferTransformedProcedureOutput<WithoutTransformer, ProcedureOf<TEvent>>
  : TEvent

// tRPC's own types say what a client without a transformer gets from a query: what JSON makes of
// it.
interface WithoutTransformer {
  readonly transformer: false
  readonly errorShape: TRPCDefaultErrorShape
}
type ProcedureOf<TOutput> = TRPCQueryProcedure<{ input: undefined; output: TOutput; meta: unknown }>

/**
 * Returns the output side of a transformer; `undefined` where there is none. A router without a
 * transformer has tRPC's default one, which is recognized by identity. A transformer isn't called
 * to find out: it may return some values unchanged and transform others.
 */
export function outputOf(transformer: Transformer | undefined): TRPCDataTransformer | undefined {
  const output = transformer && 'output' in transformer ? transformer.output : transformer
  return output === undefined || output === defaultOutput || returnsAsGiven(output)
    ? undefined
    : output
}

const defaultOutput = initTRPC.create({ allowOutsideOfServer: true })._config.transformer.output

/** Recognizes the default of another copy of tRPC by its source: it returns its argument. */
function returnsAsGiven({ serialize, deserialize }: TRPCDataTransformer): boolean {
  return [serialize, deserialize].every((side) => /^\(?([\w$]+)\)?\s*=>\s*\1$/.test(String(side)))
}

/**
 * Whether two output sides write the same. Two objects are compared once, by what they write:
 * bundlers make copies of a transformer's package.
 */
export function areSame(
  a: TRPCDataTransformer | undefined,
  b: TRPCDataTransformer | undefined,
): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const known = compared.get(a) ?? new WeakMap<TRPCDataTransformer, boolean>()
  compared.set(a, known)
  const same = known.get(b) ?? writeTheSame(a, b)
  known.set(b, same)
  return same
}

const compared = new WeakMap<TRPCDataTransformer, WeakMap<TRPCDataTransformer, boolean>>()

function writeTheSame(a: TRPCDataTransformer, b: TRPCDataTransformer): boolean {
  return probes.every((probe) => written(a, probe) === written(b, probe))
}

/** Returns the output of a transformer as text. It may refuse a value by throwing. */
function written(transformer: TRPCDataTransformer, value: unknown): string | undefined {
  try {
    return JSON.stringify(transformer.serialize(value))
  } catch {
    return 'refused'
  }
}

const parts = {
  date: new Date(0),
  set: new Set(['a']),
  map: new Map([['a', 1]]),
  pattern: /a/g,
  nothing: undefined,
  big: 1n,
  url: new URL('https://example.com/'),
  bytes: new Uint8Array([1]),
  infinite: [Infinity, null, ['text', true]],
}

/**
 * Values that transformers write differently. Each one alone, for transformers that look only at
 * the whole value, and all together.
 */
const probes: readonly unknown[] = [...Object.values(parts), parts, Object.values(parts)]
