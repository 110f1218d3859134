import { type Delta, waitForStartMs } from './app.ts'
import type { Violation } from './oracle.ts'
import type { Producers } from './producers.ts'
import type { Told, Watch } from './watch.ts'

/** What an oracle of runs needs to know of a world. */
export interface RunWorld {
  readonly producers: Producers
  /** Whether anything went wrong at all. */
  readonly hasFaults: boolean
  /** Whether the store may have lost what it had stored. */
  readonly mayLose: boolean
  /** Whether streams are too short to wait for the start of a run: each one waits anew. */
  readonly hasShortStreams: boolean
}

/** What a follower of a run gets. */
type Item =
  | { readonly type: 'fold'; readonly value: readonly Delta[] }
  | { readonly type: 'delta'; readonly data: Delta }
  | { readonly type: 'caught-up' }
  | { readonly type: 'end'; readonly status: string }

/** Checks all followers of a run, and the calls that produced it. */
export function checkRun(
  name: string,
  watches: readonly Watch[],
  world: RunWorld,
  nowMs: number,
): Violation[] {
  const found: Violation[] = []
  const ends = new Map<string, string>()
  for (const watch of watches) {
    const check = new FollowerCheck(watch, world)
    found.push(...check.run(nowMs))
    if (check.end !== undefined && check.end !== 'none') ends.set(check.end, watch.client)
  }
  const fail = (text: string): void => {
    const about = watches.map((watch) => watch.name)
    found.push({ kind: 'run', text: `${name}: ${text}`, atMs: nowMs, actor: 'world', about })
  }
  const calls = world.producers.calls.filter(({ run }) => run.name === name)
  const completed = calls.filter(({ result }) => result === 'completed')
  if (completed.length > 1 && !world.mayLose) fail('it was completed twice')
  for (const { result, instance, by } of calls)
    if (result === undefined && !instance.process.hasCrashed) fail(`call ${by} never settled`)
  if (ends.size > 1 && !world.mayLose) fail(`it has ended as ${[...ends.keys()].join(' and as ')}`)
  if (completed.length > 0 && ends.size > 0 && !ends.has('completed') && !world.mayLose)
    fail(`produce says completed, and followers ${[...ends.keys()].join()}`)
  return found
}

/** Follows what one follower was told of a run. */
class FollowerCheck {
  /** The status that it was told at the end. */
  end: string | undefined
  readonly #watch: Watch
  readonly #world: RunWorld
  readonly #found: Violation[] = []
  #value: Delta[] | undefined
  /** The producers whose deltas it had, in order. */
  #producers: number[] = []

  constructor(watch: Watch, world: RunWorld) {
    this.#watch = watch
    this.#world = world
  }

  run(nowMs: number): Violation[] {
    const { told, isWanted } = this.#watch
    for (const one of told) this.#take(one)
    if (isWanted && !this.#watch.isOver && !this.#mayWait()) this.#fail(nowMs, 'it never ended')
    return this.#found
  }

  /** Whether the run may never have begun, as its store knows it. */
  #mayWait(): boolean {
    const { producers, hasShortStreams, mayLose } = this.#world
    const { name } = this.#watch.watched
    const calls = producers.calls.filter(({ run }) => run.name === name)
    const hasBegun = calls.some(({ startedAtMs }) => startedAtMs !== undefined)
    return hasShortStreams && (mayLose || !hasBegun)
  }

  #take(told: Told): void {
    const { atMs, kind } = told
    if (kind === 'loaded' && !told.hasPosition) {
      this.#value = undefined
      this.end = undefined
    } else if (kind === 'gap' && !this.#world.mayLose) this.#fail(atMs, `a gap: ${told.text}`)
    else if (kind === 'complete' && this.end === undefined)
      this.#fail(atMs, 'it completed without an end')
    else if (kind === 'error' && this.end === undefined && !this.#world.mayLose)
      this.#fail(atMs, `it failed without an end: ${told.text}`)
    else if (kind === 'item') this.#takeItem(told.item as Item, atMs)
  }

  #takeItem(item: Item, atMs: number): void {
    if (this.end !== undefined && item.type !== 'end')
      this.#fail(atMs, `${item.type} came after the end`)
    if (item.type === 'delta') this.#takeDelta(item.data, atMs)
    else if (item.type === 'fold') this.#takeFold(item.value, atMs)
    else if (item.type === 'end') this.#takeEnd(item.status, atMs)
  }

  #takeDelta(delta: Delta, atMs: number): void {
    const value = this.#value ?? []
    if (this.#value === undefined) this.#fail(atMs, 'a delta came before the value')
    if (delta.n !== value.length)
      this.#fail(atMs, `delta ${delta.n} came where ${value.length} was due`)
    this.#value = [...value, delta]
    this.#takeProducer(delta.by, atMs)
  }

  #takeFold(value: readonly Delta[], atMs: number): void {
    const hole = value.findIndex(({ n }, i) => n !== i)
    if (hole >= 0) this.#fail(atMs, `a value with ${value[hole]?.n} in place of ${hole}`)
    const before = this.#value?.length ?? 0
    if (value.length < before && !this.#world.mayLose)
      this.#fail(atMs, `its value went back from ${before} deltas to ${value.length}`)
    this.#value = [...value]
    this.#producers = []
    for (const { by } of value) this.#takeProducer(by, atMs)
  }

  /** A producer that another one has followed must not store anything any more. */
  #takeProducer(by: number, atMs: number): void {
    if (this.#producers.at(-1) === by) return
    if (this.#producers.includes(by) && !this.#mayComeBack(by))
      this.#fail(atMs, `producer ${by} stored a delta after another one`)
    this.#producers.push(by)
  }

  /** One that waits again, after it has lost its lease, may be the next one once more. */
  #mayComeBack(by: number): boolean {
    return this.#world.producers.calls.some((call) => call.by === by && call.run.path === 'job')
  }

  #takeEnd(status: string, atMs: number): void {
    if (this.end !== undefined && this.end !== status && !this.#world.mayLose)
      this.#fail(atMs, `it ended as ${this.end}, and then as ${status}`)
    this.end = status
    const problem = this.#problemOf(status, atMs)
    if (problem !== undefined) this.#fail(atMs, `it ended as ${status}, and ${problem}`)
  }

  /** Why the run can't have ended in this way; `undefined` if it can. */
  #problemOf(status: string, atMs: number): string | undefined {
    const { producers, hasFaults, mayLose } = this.#world
    const { name } = this.#watch.watched
    const calls = producers.calls.filter(({ run }) => run.name === name)
    const deltas = calls[0]?.run.deltas ?? 0
    switch (status) {
      case 'completed':
        if (this.#value?.length !== deltas) return `had ${this.#value?.length} of ${deltas} deltas`
        return calls.some(({ hasEnded }) => hasEnded) ? undefined : 'no source has ended'
      case 'stopped':
        return producers.stopped.has(name) ? undefined : 'nobody stopped it'
      case 'failed':
        if (calls.some(({ run }) => run.isFailing) || hasFaults) return undefined
        return 'nothing failed'
      case 'abandoned':
        return hasFaults ? undefined : 'nothing went wrong'
      case 'none': {
        const start = calls.find(
          ({ startedAtMs = Infinity }) => startedAtMs < atMs - waitForStartMs,
        )
        return start === undefined || mayLose || hasFaults ? undefined : 'it had started'
      }
      default:
        return 'that is no status'
    }
  }

  #fail(atMs: number, text: string): void {
    const { client, name } = this.#watch
    const about = [name]
    this.#found.push({
      kind: 'run',
      text: `${client}, ${name}: ${text}`,
      atMs,
      actor: client,
      about,
    })
  }
}
