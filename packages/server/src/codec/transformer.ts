import {
  type inferTransformedProcedureOutput,
  initTRPC,
  type TRPCCombinedDataTransformer,
  type TRPCDataTransformer,
  type TRPCDefaultErrorShape,
  type TRPCQueryProcedure,
} from '@trpc/server'

/** What turns values into JSON and back, as given to `initTRPC.create` and the client's links. */
export type Transformer = TRPCDataTransformer | TRPCCombinedDataTransformer

/** What is read of an event that was stored: the event itself with a transformer, what JSON makes of it without. */
export type Stored<
  TEvent,
  TTransformer extends Transformer | undefined,
> = TTransformer extends undefined
  ? inferTransformedProcedureOutput<WithoutTransformer, ProcedureOf<TEvent>>
  : TEvent

// What tRPC's clients get of a query without a transformer is what JSON makes of its result, by tRPC's own types.
interface WithoutTransformer {
  readonly transformer: false
  readonly errorShape: TRPCDefaultErrorShape
}
type ProcedureOf<TOutput> = TRPCQueryProcedure<{ input: undefined; output: TOutput; meta: unknown }>

/**
 * Gives the output side of a transformer; `undefined` where there is none. tRPC gives a router without a transformer its
 * own default, which is known by identity. No transformer is called to find out: one that gives back what it was
 * given may still write other values in its own way.
 */
export function outputOf(transformer: Transformer | undefined): TRPCDataTransformer | undefined {
  const output = transformer && 'output' in transformer ? transformer.output : transformer
  return output === undefined || output === defaultOutput || returnsAsGiven(output)
    ? undefined
    : output
}

const defaultOutput = initTRPC.create({ allowOutsideOfServer: true })._config.transformer.output

/** Recognizes the default of another copy of tRPC in the process: its source says that it returns its argument. */
function returnsAsGiven({ serialize, deserialize }: TRPCDataTransformer): boolean {
  return [serialize, deserialize].every((side) => /^\(?([\w$]+)\)?\s*=>\s*\1$/.test(String(side)))
}

/**
 * Whether two output sides write the same. One object does. Of two objects, as bundlers make of one package, it is told
 * from what they write, once: only then are they called.
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

/** What a transformer makes of a value; it may refuse it. */
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

/** What transformers write in different ways: each alone, for those that look at the whole value only, and all together. */
const probes: readonly unknown[] = [...Object.values(parts), parts, Object.values(parts)]
