import { useLive } from '@trpc-sse/react'
import { pageId, trpc } from '../live/client.ts'
import { liveSubscription } from '../live/live-subscription.ts'
import { useStore } from '../live/store.ts'
import { tabs } from '../live/tabs.ts'
import { useUser } from '../session/session.ts'
import { ActionButton, Problem } from '../ui/action-button.tsx'
import { Card } from '../ui/card.tsx'
import { count } from '../ui/format.ts'
import { useAction } from '../ui/use-action.ts'
import { colourOf } from './colour.ts'

/** Who is online. The tabs and devices of a user are one member. */
export function People() {
  const { user } = useUser()
  const { people, tabs, status } = usePeople(user)
  return (
    <Card
      title="Who is online"
      className="people"
      aside={people && <span className="aside">{count(people.length, 'member')}</span>}
    >
      {people ? (
        <ul
          className="person-list"
          aria-label="Online"
          data-stale={status === 'connecting'}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboards must reach a scroll area.
          tabIndex={0}
        >
          {people.map(({ key, value }) => (
            <PersonRow
              key={key}
              user={key}
              name={value.name}
              isOwn={key === user}
              tabs={tabs.filter(({ value: { user } }) => user === key)}
            />
          ))}
        </ul>
      ) : (
        <p className="hint person-list">Looking who is here…</p>
      )}
      <SignOutEverywhere />
    </Card>
  )
}

function usePeople(user: string) {
  const tab = useTabKey()
  const { data: people, status } = useLive(
    liveSubscription({
      path: 'people.onPerson',
      procedure: trpc.people.onPerson,
      input: { tab: tab ?? '' },
      enabled: tab !== undefined,
    }),
    {
      key: (person) => person.key,
      // The user comes first.
      order: (a, b) =>
        Number(b.key === user) - Number(a.key === user) || a.value.name.localeCompare(b.value.name),
    },
  )
  const { data: tabs = [] } = useLive(
    liveSubscription({ path: 'people.onTab', procedure: trpc.people.onTab, input: undefined }),
    { key: (tab) => tab.key },
  )
  return { people, tabs, status }
}

/**
 * Identifies this tab among those of its browser. A tab's number outlives a reload. `undefined`
 * until the tab has one.
 */
function useTabKey(): string | undefined {
  const { own } = useStore(tabs)
  const locks: LockManager | undefined = navigator.locks
  if (!locks) return pageId
  return own === undefined ? undefined : `${own}`
}

interface PersonRowProps {
  readonly user: string
  readonly name: string
  readonly isOwn: boolean
  readonly tabs: ReadonlyArray<{ readonly value: { readonly device: string } }>
}

function PersonRow({ user, name, isOwn, tabs }: PersonRowProps) {
  const devices = new Set(tabs.map(({ value }) => value.device)).size
  return (
    <li data-person={name}>
      <span className="avatar" style={{ background: colourOf(user) }} aria-hidden="true">
        {[...name][0]?.toUpperCase()}
      </span>
      <span className="person-name">{name}</span>
      {isOwn && <span className="person-you">you</span>}
      <span className="aside number">
        {count(Math.max(1, tabs.length), 'tab')}
        {devices > 1 && `, ${count(devices, 'device')}`}
      </span>
    </li>
  )
}

function SignOutEverywhere() {
  const signOut = useAction(async () => {
    await trpc.account.signOutEverywhere.mutate()
  })
  return (
    <div className="sign-out">
      <ActionButton action={signOut}>Sign me out everywhere</ActionButton>
      <span className="hint">in all tabs and on all devices, on any server</span>
      <Problem>{signOut.hasFailed && 'Not signed out. Try again when the server is back.'}</Problem>
    </div>
  )
}
