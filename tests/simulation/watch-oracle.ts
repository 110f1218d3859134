import { waitForStartMs } from './app.ts'
import { areEqual, checkEntries, checkReader, type Entries } from './board-oracle.ts'
import { isFault } from './faults.ts'
import type { Instance } from './instance.ts'
import type { Violation } from './oracle.ts'
import { losesData } from './other-work.ts'
import type { Plan } from './plan.ts'
import { checkRun } from './run-oracle.ts'
import type { Watch } from './watch.ts'
import type { World } from './world.ts'

/** Checks what watches were told, when everything has been well for long. */
export async function checkWatches(
  world: World,
  { steps, maxDurationMs = Infinity }: Plan,
): Promise<Violation[]> {
  const { watches, producers, timeline } = world
  const mayLose = steps.some(losesData)
  const hasFaults = steps.some(isFault)
  const hasShortStreams = maxDurationMs < waitForStartMs
  const of = (path: Watch['watched']['path']): Watch[] =>
    watches.filter(({ watched }) => watched.path === path)
  const names = new Set(producers.calls.map(({ run }) => run.name))
  for (const { watched } of [...of('answer'), ...of('job')]) names.add(watched.name)
  const found = [...names].flatMap((name) => {
    const own = watches.filter(({ watched }) => watched.name === name)
    const about = { producers, hasFaults, mayLose, hasShortStreams }
    return checkRun(name, own, about, timeline.nowMs)
  })
  if (of('board').length > 0) found.push(...(await checkBoard(world, of('board'), mayLose)))
  if (of('member').length > 0) found.push(...(await checkHall(world, of('member'))))
  return found
}

async function checkBoard(
  world: World,
  readers: readonly Watch[],
  mayLose: boolean,
): Promise<Violation[]> {
  const { changes } = world.boards
  const stored = await ask(world, ({ channels }) => channels.board({ name: 'board' }).entries())
  if (stored === undefined) return [violation(world, 'the board could not be read')]
  const entries = new Map(stored.entries)
  const wrong = mayLose ? [] : checkEntries(entries, changes)
  return [
    ...wrong.map((text) => violation(world, `the board: ${text}`)),
    ...readers.flatMap((reader) => {
      const { found, entries: own } = checkReader(reader, changes, mayLose)
      if (!reader.isWanted || (own && areEqual(own, entries))) return found
      const text = own ? `shows ${text_(own)}, and the board is ${text_(entries)}` : 'shows nothing'
      return [...found, violation(world, `${reader.client}, ${reader.name}: it ${text}`)]
    }),
  ]
}

/** When members of an instance that has crashed have left, in milliseconds. */
const ghostMs = 20_000

/** Members are those who want to be there, and nobody else: no ghosts. */
async function checkHall(world: World, readers: readonly Watch[]): Promise<Violation[]> {
  const read = () =>
    ask(world, ({ channels }) => channels.hall({ name: 'hall' }).presence.entries())
  // Who reads it first finds ghosts if nobody else did since an instance crashed, and looks for them.
  await read()
  await world.timeline.run(world.timeline.nowMs + ghostMs)
  const stored = await read()
  if (stored === undefined) return [violation(world, 'the hall could not be read')]
  const present = stored.entries.map(([key]) => key).sort()
  const wanted = [...new Set(readers.filter(isThere).map(({ client }) => client))].sort()
  const found =
    present.join() === wanted.join()
      ? []
      : [violation(world, `${present.join()} are in the hall, and should be: ${wanted.join()}`)]
  for (const reader of readers.filter(isThere)) {
    const shown = [...(shownBy(reader)?.keys() ?? [])].sort()
    if (shown.join() !== present.join())
      found.push(
        violation(
          world,
          `${reader.client}, ${reader.name}: shows ${shown.join()}, not ${present.join()}`,
        ),
      )
  }
  return found
}

function isThere({ isWanted, isOver }: Watch): boolean {
  return isWanted && !isOver
}

/** The map that a reader shows. */
function shownBy(reader: Watch): Entries | undefined {
  return checkReader(reader, [], true).entries
}

/** Asks an instance that is up; `undefined` if it doesn't answer within ten seconds. */
async function ask<TAnswer>(
  { slots, timeline }: World,
  question: (instance: Instance) => Promise<TAnswer>,
): Promise<TAnswer | undefined> {
  const instance = slots.map((slot) => slot.instance).find(({ isUp }) => isUp)
  let answer: TAnswer | undefined
  instance?.process.arrive(0, () => {
    question(instance).then(
      (value) => {
        answer = value
      },
      () => {},
    )
  })
  await timeline.run(timeline.nowMs + 10_000)
  return answer
}

function violation({ timeline }: World, text: string): Violation {
  return { kind: 'watch', text, atMs: timeline.nowMs, actor: 'world', about: [] }
}

function text_(entries: Entries): string {
  return JSON.stringify([...entries].map(([key, { n }]) => [key, n]).sort())
}
