const key = 'author'
const adjectives = ['Quiet', 'Brave', 'Swift', 'Gentle', 'Clever', 'Sunny', 'Calm', 'Bold']
const animals = ['Otter', 'Heron', 'Lynx', 'Badger', 'Finch', 'Marten', 'Hare', 'Wren']

/** Returns the name of this window, else the last chosen one, else a random one. */
export function storedAuthor(): string {
  const name = sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? randomName()
  sessionStorage.setItem(key, name)
  return name
}

/** Stores a chosen name. */
export function storeAuthor(name: string): void {
  sessionStorage.setItem(key, name)
  localStorage.setItem(key, name)
}

function randomName(): string {
  return `${oneOf(adjectives)} ${oneOf(animals)}`
}

function oneOf(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? ''
}
