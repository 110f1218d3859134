/** The number that a tab has taken. */
export interface TabNumber {
  readonly number: number
  /** Gives it back. The browser does it when the tab is gone. */
  release(): void
}

const prefix = 'demo-tab-'
const key = 'tab-number'

/** Takes a number, from 1, that no other tab of the browser has: the one that it had before a reload, else the lowest. */
export async function takeTabNumber(locks: LockManager): Promise<TabNumber> {
  const kept = Number(sessionStorage.getItem(key) ?? 1)
  for (let number = kept, next = 1; ; number = next++) {
    const release = await takeIfFree(locks, `${prefix}${number}`)
    if (!release) continue
    sessionStorage.setItem(key, `${number}`)
    return { number, release }
  }
}

/** The numbers of all tabs that are there, in order. */
export async function tabNumbers(locks: LockManager): Promise<number[]> {
  const { held = [] } = await locks.query()
  return held
    .flatMap(({ name = '' }) =>
      name.startsWith(prefix) ? [Number(name.slice(prefix.length))] : [],
    )
    .sort((a, b) => a - b)
}

function takeIfFree(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        // It is held until this promise is settled.
        if (lock !== null) return new Promise<void>(resolve)
        resolve(undefined)
        return undefined
      })
      .catch(reject)
  })
}
