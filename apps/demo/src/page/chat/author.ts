const key = 'author'
const adjectives = ['Quiet', 'Brave', 'Swift', 'Gentle', 'Clever', 'Sunny', 'Calm', 'Bold']
const animals = ['Otter', 'Heron', 'Lynx', 'Badger', 'Finch', 'Marten', 'Hare', 'Wren']

/** The name in this window, else the one that was chosen last, else a new one: two windows are two people. */
export function keptAuthor(): string {
  const name = sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? randomName()
  sessionStorage.setItem(key, name)
  return name
}

/** Keeps a name that was chosen. */
export function keepAuthor(name: string): void {
  sessionStorage.setItem(key, name)
  localStorage.setItem(key, name)
}

function randomName(): string {
  return `${oneOf(adjectives)} ${oneOf(animals)}`
}

function oneOf(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? ''
}
