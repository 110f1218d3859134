import type { SubscriptionStatus } from '../record/records.ts'
import type { PanelContext, View } from './context.ts'
import { type Elements, setText } from './elements.ts'

const offlineMs = 10_000

/** The panel's first lines: a summary, and the switch for the network. */
export function createHeader({ recorder, offline }: PanelContext, elements: Elements): View {
  const summary = elements.create('span', { class: 'summary' })
  const network = elements.button('', () => {
    if (offline.isOffline) offline.goOnline()
    else offline.goOffline(offlineMs)
  })
  const clear = elements.button('Clear', () => recorder.clear())
  clear.title = 'Forget what is over'
  const banner = elements.create('p', { class: 'banner', attributes: { role: 'status' } })
  const bar = elements.create('div', { class: 'bar', children: [summary, network, clear] })
  return {
    element: elements.create('header', { children: [bar, banner] }),
    render() {
      setText(summary, summaryOf(recorder.running.values()))
      setText(network, offline.isOffline ? 'Go online' : 'Go offline for 10 s')
      setText(banner, offline.isOffline ? 'Offline: streams are cut, and requests fail.' : '')
      const leftS = Math.ceil(offline.leftMs / 1_000)
      network.title = offline.isOffline ? `Online in ${leftS} s` : ''
      if (offline.isOffline) setText(network, `Go online (in ${leftS} s)`)
    },
  }
}

/** Counts the running subscriptions by status. */
function summaryOf(running: Iterable<{ readonly status: SubscriptionStatus }>): string {
  const counts = new Map<SubscriptionStatus, number>()
  for (const { status } of running) counts.set(status, (counts.get(status) ?? 0) + 1)
  const parts = [...counts].map(([status, count]) => `${count.toLocaleString('en')} ${status}`)
  return parts.join(' · ') || 'No running subscriptions'
}
