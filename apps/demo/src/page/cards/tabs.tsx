import { role } from '../live/client.ts'
import { useStore } from '../live/store.ts'
import { tabs } from '../live/tabs.ts'
import { allOf } from '../ui/format.ts'

/**
 * Shows a number for each tab of the browser. This tab's number has a frame; the leading tab's is
 * filled.
 */
export function TabNumbers() {
  const { numbers, own, leader } = useStore(tabs)
  return (
    <ol className="tabs" aria-label="Tabs of this browser">
      {numbers.map((number) => (
        <li key={number} data-own={number === own} data-leads={number === leader?.number}>
          <span className="unseen">Tab </span>
          {number}
        </li>
      ))}
    </ol>
  )
}

/** Says which tab holds the connection, and how to see another tab take over. */
export function WhoLeads() {
  const isSingle = useStore(role) === 'alone'
  const { numbers, own, leader } = useStore(tabs)
  return (
    <p className="hint who-leads">
      <span role="status">
        {isSingle ? singleTab : inWords(numbers.length, own, leader?.number)}
      </span>{' '}
      {!isSingle && (
        <a href="/" target="_blank" rel="noreferrer">
          Open another tab
        </a>
      )}
    </p>
  )
}

const singleTab = 'This tab has its own connection: this browser can’t share one between tabs.'

function inWords(count: number, own: number | undefined, leader: number | undefined): string {
  if (count === 0 || own === undefined) return 'Looking for other tabs…'
  if (count === 1) return 'All tabs of this browser share it. This is the only one.'
  if (leader === undefined) return `This is tab ${own}. Another tab is about to lead…`
  const what = `${allOf(count)} share its connection. Close it, and another takes over.`
  return leader === own
    ? `This is tab ${own}, and it leads: ${what}`
    : `This is tab ${own}. Tab ${leader} leads: ${what}`
}
