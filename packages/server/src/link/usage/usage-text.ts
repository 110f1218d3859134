/** What a key uses: open streams and their subscriptions. */
export interface Usage {
  readonly connections: number
  readonly subscriptions: number
}

/** What one holder, a link of an instance, uses of a key. */
export interface HolderUsage extends Usage {
  readonly holder: string
}

/**
 * Parses the text of an entry: `<holder>:<connections>:<subscriptions>`, separated by spaces. Skips
 * what another program may have written.
 */
export function parseUsage(text: string | null): HolderUsage[] {
  return (text ?? '').split(' ').flatMap((part) => {
    const [holder, connections, subscriptions, ...more] = part.split(':')
    if (!holder || more.length > 0 || !isCount(connections) || !isCount(subscriptions)) return []
    return { holder, connections: Number(connections), subscriptions: Number(subscriptions) }
  })
}

/** Formats the text of an entry; `null` if nothing is used. */
export function usageText(usages: readonly HolderUsage[]): string | null {
  const parts = usages
    .filter(({ connections, subscriptions }) => connections > 0 || subscriptions > 0)
    .map(({ holder, connections, subscriptions }) => `${holder}:${connections}:${subscriptions}`)
  return parts.length > 0 ? parts.join(' ') : null
}

/** Adds up what several holders use. */
export function totalUsage(usages: readonly Usage[]): Usage {
  return {
    connections: usages.reduce((sum, { connections }) => sum + connections, 0),
    subscriptions: usages.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
  }
}

/** Returns the name of a link as a holder. */
export function holderOf(instance: string, link: number): string {
  return `${instance}/${link}`
}

/** Returns the id of a holder's instance. */
export function instanceOf(holder: string): string {
  return holder.slice(0, holder.lastIndexOf('/'))
}

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,9}$/.test(text)
}
