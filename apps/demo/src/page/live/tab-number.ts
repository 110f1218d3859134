/** A number taken by a tab. */
export interface TabNumber {
  readonly number: number
  /** Releases the number. The browser does so when the tab closes. */
  release(): void
}

const prefix = 'demo-tab-'
const key = 'tab-number'

/** Takes a number that no other tab has: the one from before a reload, else the lowest free. */
export async function takeTabNumber(locks: LockManager): Promise<TabNumber> {
  const kept = Number(sessionStorage.getItem(key) ?? 1)
  for (let number = kept, next = 1; ; number = next++) {
    const release = await takeIfFree(locks, `${prefix}${number}`)
    if (!release) continue
    sessionStorage.setItem(key, `${number}`)
    return { number, release }
  }
}

/** Lists the numbers of all open tabs, in order. */
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
        // The lock is held until this promise settles.
        if (lock !== null) return new Promise<void>(resolve)
        resolve(undefined)
        return undefined
      })
      .catch(reject)
  })
}
