import { role } from '../live/client.ts'
import { useStore } from '../live/store.ts'
import { tabs } from '../live/tabs.ts'
import { allOf } from '../ui/format.ts'

/** A number for each tab of the browser: this one has a frame, the one that leads is filled. */
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

/** Which tab has the connection, and what one could do to see another one have it. */
export function WhoLeads() {
  const isAlone = useStore(role) === 'alone'
  const { numbers, own, leader } = useStore(tabs)
  return (
    <p className="hint who-leads">
      <span role="status">
        {isAlone ? aloneInWords : inWords(numbers.length, own, leader?.number)}
      </span>{' '}
      {!isAlone && (
        <a href="/" target="_blank" rel="noreferrer">
          Open another tab
        </a>
      )}
    </p>
  )
}

const aloneInWords =
  'This tab has a connection of its own: here the browser can’t share one between tabs.'

function inWords(count: number, own: number | undefined, leader: number | undefined): string {
  if (count === 0 || own === undefined) return 'Looking for other tabs…'
  if (count === 1) return 'All tabs of this browser share it. This is the only one.'
  if (leader === undefined) return `This is tab ${own}. Another one of them is about to lead…`
  const what = `${allOf(count)} share its connection. Close it, and another takes over.`
  return leader === own
    ? `This is tab ${own}, and it leads: ${what}`
    : `This is tab ${own}. Tab ${leader} leads: ${what}`
}
