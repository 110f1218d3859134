import { channels } from './channels.ts'

const adjectives = [
  'Quiet',
  'Brave',
  'Swift',
  'Gentle',
  'Clever',
  'Sunny',
  'Calm',
  'Bold',
  'Wise',
  'Keen',
]
const animals = [
  'Otter',
  'Heron',
  'Lynx',
  'Badger',
  'Finch',
  'Marten',
  'Hare',
  'Wren',
  'Robin',
  'Seal',
]
const names = adjectives.flatMap((adjective) => animals.map((animal) => `${adjective} ${animal}`))

/** Returns a random name that nobody has who is online. */
export async function freeName(): Promise<string> {
  const { entries } = await channels.people().presence.entries()
  const taken = new Set(entries.map(([, { name }]) => name))
  const free = names.filter((name) => !taken.has(name))
  const name = free[Math.floor(Math.random() * free.length)]
  return name ?? `Guest ${Math.floor(Math.random() * 1_000_000)}`
}
