import type { SubscriptionStatus } from '../record/records.ts'
import type { PanelChoices, PanelContext, View } from './context.ts'
import { type Elements, setText } from './elements.ts'

const offlineMs = 10_000

/** The panel's first lines: a summary, and buttons for the network and for what is shown. */
export function createHeader(
  { recorder, offline }: PanelContext,
  choices: PanelChoices,
  elements: Elements,
  onChoice: () => void,
): View {
  const summary = elements.create('span', { class: 'summary' })
  const network = elements.button('', () => {
    if (offline.isOffline) offline.goOnline()
    else offline.goOffline(offlineMs)
  })
  const pause = elements.button('Pause', () => {
    choices.isPaused = !choices.isPaused
    onChoice()
  })
  pause.title = 'Keep the lists as they are'
  const clear = elements.button('Clear', () => {
    recorder.clear()
    onChoice()
  })
  clear.title = 'Forget what is over'
  const banner = elements.create('p', { class: 'banner', attributes: { role: 'status' } })
  const bar = elements.create('div', { class: 'bar', children: [summary, network, pause, clear] })
  return {
    element: elements.create('header', { children: [bar, banner] }),
    render() {
      const { isOffline, leftMs } = offline
      const back = `Go online (in ${Math.ceil(leftMs / 1_000)} s)`
      setText(summary, summaryOf(recorder.running.values()))
      setText(network, isOffline ? back : 'Go offline for 10 s')
      setText(banner, isOffline ? 'Offline: streams are cut, and requests fail.' : '')
      pause.setAttribute('aria-pressed', `${choices.isPaused}`)
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
