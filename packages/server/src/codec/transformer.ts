import {
  type inferTransformedProcedureOutput,
  initTRPC,
  type TRPCCombinedDataTransformer,
  type TRPCDataTransformer,
  type TRPCDefaultErrorShape,
  type TRPCQueryProcedure,
} from '@trpc/server'

/** A data transformer of the kind that `initTRPC.create` and the client's links accept. */
export type Transformer = TRPCDataTransformer | TRPCCombinedDataTransformer

/**
 * The type of an event that was stored and read again. With a transformer, it is the event's own
 * type; without one, the type of the event after JSON.
 */
export type Stored<
  TEvent,
  TTransformer extends Transformer | undefined,
> = TTransformer extends undefined
  ? inferTransformedProcedureOutput<WithoutTransformer, ProcedureOf<TEvent>>
  : TEvent

// JSON changes some types. tRPC's own type for the output of a query without a transformer shows
// how.
interface WithoutTransformer {
  readonly transformer: false
  readonly errorShape: TRPCDefaultErrorShape
}
type ProcedureOf<TOutput> = TRPCQueryProcedure<{ input: undefined; output: TOutput; meta: unknown }>

/**
 * Returns the output side of a transformer; `undefined` if there is no transformer. A router
 * without one has tRPC's default, which is recognized by identity. Calling a transformer proves
 * nothing: it may return some values unchanged and transform others.
 */
export function outputOf(transformer: Transformer | undefined): TRPCDataTransformer | undefined {
  const output = transformer && 'output' in transformer ? transformer.output : transformer
  return output === undefined || output === defaultOutput || returnsAsGiven(output)
    ? undefined
    : output
}

const defaultOutput = initTRPC.create({ allowOutsideOfServer: true })._config.transformer.output

/**
 * Recognizes the default transformer of another copy of tRPC by its source: each function only
 * returns its argument.
 */
function returnsAsGiven({ serialize, deserialize }: TRPCDataTransformer): boolean {
  return [serialize, deserialize].every((side) => /^\(?([\w$]+)\)?\s*=>\s*\1$/.test(String(side)))
}

/**
 * Whether two output sides are equal. Bundlers may include a transformer's package several times,
 * so two objects are compared once, by their output.
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

/**
 * Returns the output of a transformer as text. A transformer may throw for a value it doesn't
 * support.
 */
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
 * Values that transformers write differently: each one alone, for transformers that check only the
 * top-level value, and all together.
 */
const probes: readonly unknown[] = [...Object.values(parts), parts, Object.values(parts)]
