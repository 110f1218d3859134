import { RealtimeError } from '@trpc-sse/protocol'
import { payloadOf, payloadText } from '../backend/stored-bytes.ts'
import { checkSize, validEvent } from '../channel/publish.ts'
import { captureContext } from '../user-code/async-context.ts'
import { isReadable } from '../user-code/calls.ts'
import type { ActiveEntry } from './active-entry.ts'
import { DeltaWriter } from './delta-writer.ts'
import { type EndMarker, maxReasonLength, type RunEnd, toStoredItem } from './items.ts'
import type { RunParts } from './run-parts.ts'
import { dropSource, type RunSource, readSource } from './source.ts'
import { isUnavailable, type Resumed, readResumed, waitForTurn } from './take-over.ts'

/** The result of `produce`. */
export interface ProduceResult {
  /**
   * The final status of the run. `'alreadyRunning'` and `'alreadyEnded'` mean that this call
   * started nothing.
   */
  readonly status: RunEnd | 'alreadyRunning' | 'alreadyEnded'
  /**
   * The error that made the run or its storage fail. An `INVALID_EVENT` has the schema's `issues`.
   */
  readonly error?: unknown
}

/**
 * Runs a source, unless the run has already begun. Takes over a run whose producer is gone, if the
 * run's options say so. Doesn't reject for errors of the source. A source that isn't read is ended.
 */
export async function produce(
  options: RunParts,
  source: RunSource<unknown>,
): Promise<ProduceResult> {
  try {
    const result = await start(options, source)
    if (isUnused(result)) dropSource(source)
    return result
  } catch (error) {
    dropSource(source)
    throw error
  }
}

function isUnused({ status }: ProduceResult): boolean {
  return status === 'alreadyRunning' || status === 'alreadyEnded'
}

async function start(options: RunParts, source: RunSource<unknown>): Promise<ProduceResult> {
  checkResumable(options, source)
  const active = options.createActiveEntry()
  const token = createToken(options)
  const before = await options.runLog.begin(token)
  if (before === undefined) {
    const end = await new Producer(options, { token, active }).run(source)
    return end.mayContinue ? await takeTurns(options, source, { active, end }) : end.result
  }
  if (before.status !== 'running') return { status: 'alreadyEnded' }
  if (options.definition.onAbandoned === 'end') return { status: 'alreadyRunning' }
  return await takeTurns(options, source, { active, end: undefined })
}

/** How many times one call of `produce` takes a run over. Each time, the source starts again. */
const maxTurns = 10

/** Continues the run whenever it has lost its producer, which may have been this call. */
async function takeTurns(
  options: RunParts,
  source: RunSource<unknown>,
  { active, end: first }: { active: ActiveEntry | undefined; end: ProducerEnd | undefined },
): Promise<ProduceResult> {
  let end = first
  for (let turns = 0; turns < maxTurns; turns++) {
    const token = createToken(options)
    const turn = await waitForTurn(options, token)
    if (typeof turn === 'string') return end?.result ?? { status: turn }
    try {
      const resumed = await readResumed(options, turn)
      end = await new Producer(options, { token, active, resumed }).run(source)
    } catch (error) {
      end = { result: { status: 'abandoned', error }, mayContinue: isUnavailable(error) }
    }
    if (!end.mayContinue) break
  }
  return end?.result ?? { status: 'abandoned' }
}

/** Creates a token. Each turn has a new one, so that late writes of earlier turns are refused. */
function createToken({ clock }: RunParts): string {
  const parts = Array.from({ length: 4 }, () => Math.floor(clock.random() * 2 ** 32))
  return parts.map((part) => part.toString(36)).join('.')
}

/** Refuses sources that can't resume: they would yield their first deltas again. */
function checkResumable({ definition }: RunParts, source: RunSource<unknown>): void {
  if (definition.onAbandoned === 'end' || typeof source === 'function') return
  const message =
    'With `onAbandoned: "takeOver"`, produce() takes a function, which starts where another producer stopped: ({ signal, resumeFrom }) => …'
  throw new RealtimeError('INVALID_OPTION', message)
}

/** Options of {@link Producer}, which differ between the producers of a run. */
interface ProducerOptions {
  readonly token: string
  /** The run's entry in its index, if it has one. */
  readonly active: ActiveEntry | undefined
  /** Set if the run was taken over. */
  readonly resumed?: Resumed
}

/** The end of a producer. */
interface ProducerEnd {
  readonly result: ProduceResult
  /** Whether the source may start again, because the run can be taken over. */
  readonly mayContinue: boolean
}

/** The one producer of a run, while it holds the lease. */
class Producer {
  readonly #options: RunParts
  readonly #over = new AbortController()
  readonly #writer: DeltaWriter
  readonly #active: ActiveEntry | undefined
  readonly #resumed: Resumed | undefined
  /** The async context of `produce`, in which listeners of the source's signal are called. */
  readonly #context = captureContext()

  /**
   * Set when the channels are closed, so that followers don't have to wait until the lease expires.
   */
  #isAbandoned = false

  constructor(options: RunParts, { token, active, resumed }: ProducerOptions) {
    this.#options = options
    this.#active = active
    this.#resumed = resumed
    this.#writer = new DeltaWriter(options, {
      token,
      resumed,
      onRenewed: () => active?.keep(),
      onLost: () => this.#stop(),
    })
  }

  async run(source: RunSource<unknown>): Promise<ProducerEnd> {
    const { backend, log, producers } = this.#options
    // If listening fails, the producer detects a stop when it stores the next deltas.
    const listening = backend
      .listen(log, {
        onEvent: (event) => this.#notice(payloadText(payloadOf(event))),
        onInterrupted() {},
      })
      .catch(() => undefined)
    this.#active?.keep()
    const consuming = this.#consume(source).then((result) => this.#unlist(result))
    const abandon = async (): Promise<void> => {
      this.#isAbandoned = true
      this.#stop()
      await consuming
    }
    producers.add(abandon)
    try {
      const result = await consuming
      return { result, mayContinue: this.#mayContinue(result) }
    } finally {
      producers.delete(abandon)
      this.#over.abort()
      this.#writer.close()
      void listening.then((unlisten) => unlisten?.()).catch(() => {})
    }
  }

  /** Whether it has only lost its lease: to another producer, or to an outage of the backend. */
  #mayContinue({ status, error }: ProduceResult): boolean {
    const { onAbandoned } = this.#options.definition
    if (onAbandoned === 'end' || status !== 'abandoned' || this.#isAbandoned) return false
    return error === undefined || isUnavailable(error)
  }

  /** Removes the run from its index, unless another producer continues it. */
  async #unlist(result: ProduceResult): Promise<ProduceResult> {
    const isContinued =
      result.status === 'abandoned' && this.#options.definition.onAbandoned === 'takeOver'
    if (!isContinued) await this.#active?.remove()
    return result
  }

  async #consume(source: RunSource<unknown>): Promise<ProduceResult> {
    try {
      const resumeFrom = this.#resumed?.resumeFrom
      const { signal } = this.#over
      await readSource(source, { signal, resumeFrom }, (value) => this.#add(value))
    } catch (error) {
      return await this.#end({ type: 'end', status: 'failed', ...shownReason(error) }, error)
    }
    const status = this.#isAbandoned ? 'abandoned' : 'completed'
    return await this.#end({ type: 'end', status }, undefined)
  }

  async #add(value: unknown): Promise<void> {
    const { name, definition, codec } = this.#options
    const delta = await validEvent({ name, schema: definition.event, codec }, value)
    const text = codec.serialize({ type: 'delta', data: delta })
    checkSize({ name }, text, definition.maxEventBytes)
    // The run may have ended while the schema was checked.
    if (!this.#over.signal.aborted) await this.#writer.add(text)
  }

  async #end(marker: EndMarker, error: unknown): Promise<ProduceResult> {
    try {
      const status = await this.#writer.end(marker)
      const why = error ?? this.#writer.failure
      const hasFailed = status === 'failed' || (status === 'abandoned' && why !== undefined)
      return { status, ...(hasFailed && { error: why }) }
    } catch (cause) {
      // The end could not be stored. Followers get an end when the lease expires.
      return { status: 'abandoned', error: error ?? cause }
    }
  }

  #stop(): void {
    this.#context.runInAsyncScope(() => this.#over.abort())
  }

  /** Handles an event of the log, which may be an end that another process has stored. */
  #notice(text: string): void {
    if (!text.includes('"end"')) return
    try {
      if (toStoredItem(this.#options.codec.deserialize(text))?.type === 'end') this.#stop()
    } catch {
      // No run has stored this event.
    }
  }
}

/**
 * Returns the reason that followers get. The message of a `TRPCError` is meant for clients, but
 * messages of other errors may contain secrets.
 */
function shownReason(error: unknown): Pick<EndMarker, 'reason'> {
  const isShown = isReadable(error) && error instanceof Error && error.name === 'TRPCError'
  if (!isShown) return {}
  return { reason: String(error.message).slice(0, maxReasonLength) }
}
