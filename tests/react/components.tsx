import { useQuery } from '@tanstack/react-query'
import { type InitialData, keyedList, useConnectionState, useLive, useRun } from '@trpc-sse/react'
import { type ReactNode, useEffect, useState, useTransition } from 'react'
import type { Todo } from './router.ts'
import { client, queryClient, trpc } from './trpc.ts'

/** The texts that the components have rendered, for the test to inspect. */
export const seen = {
  ticks: [] as number[],
  commits: 0,
  /** Each content that a list has shown. */
  shown: [] as string[],
  /** Each state of a run that was shown: its value, and whether it was caught up. */
  answers: [] as string[],
}

/** Records what is committed. */
function useShown(text: string | undefined): void {
  useEffect(() => {
    if (text !== undefined && seen.shown.at(-1) !== text) seen.shown.push(text)
  }, [text])
}

const byId = ({ id }: Todo): string => id

interface TodosProps {
  readonly list?: string
  readonly initialData?: InitialData<Todo[]>
}

/** A list, with initial data if there is some. */
export function Todos({ list = 'a', initialData }: TodosProps): ReactNode {
  const [text, setText] = useState('')
  const live = useLive(trpc.onTodos.subscriptionOptions({ list }), {
    key: byId,
    order: (a, b) => (a.id < b.id ? -1 : 1),
    initialData,
  })
  const { data = [], status, error, optimistic } = live
  const connection = useConnectionState()
  useShown(data.map((todo) => todo.text).join())

  function add(): void {
    const todo = { id: text, text }
    optimistic(todo, client.add.mutate({ list, todo }))
  }
  return (
    <main>
      <p id="status">{status}</p>
      <p id="connection">{connection.status}</p>
      <p id="error">{error?.message}</p>
      <ul>
        {data.map((todo) => (
          <li key={todo.id}>{todo.text}</li>
        ))}
      </ul>
      <input onChange={(event) => setText(event.target.value)} />
      <button type="button" onClick={add}>
        add
      </button>
    </main>
  )
}

/** The same list twice, and one whose input changes within a transition. */
export function Lists(): ReactNode {
  const [list, setList] = useState('b')
  const [, startTransition] = useTransition()
  return (
    <>
      <Todos />
      <Todos />
      <section>
        <Todos list={list} />
      </section>
      <button type="button" id="other" onClick={() => startTransition(() => setList('c'))}>
        other list
      </button>
    </>
  )
}

/** A list of 200 items that are replaced continuously. */
export function Ticks(): ReactNode {
  const { data } = useLive(trpc.onTick.subscriptionOptions(), {
    snapshot: (): readonly number[] => [],
    reduce(state, tick) {
      seen.ticks.push(tick)
      return ticks.upsert(state, tick)
    },
  })
  useEffect(() => {
    seen.commits += 1
  })
  return (
    <ul>
      {data?.map((tick) => (
        <li key={tick % 200}>{tick}</li>
      ))}
    </ul>
  )
}

const ticks = keyedList<number>({ key: (tick) => tick % 200 })

/** A number from a query, kept up to date in the query cache, and reloaded after a gap. */
export function Clicks(): ReactNode {
  const query = useQuery(trpc.clicks.queryOptions())
  const { data, gap, status, reset } = useLive(
    trpc.onClick.subscriptionOptions(undefined, { enabled: query.isSuccess }),
    {
      initialData: query.data,
      reduce: (sum, clicks) => sum + clicks,
      write: (data, lastEventId) =>
        queryClient.setQueryData(trpc.clicks.queryKey(), { data, lastEventId }),
    },
  )
  useShown(data === undefined ? undefined : `${data}`)
  return (
    <main>
      <p id="status">{status}</p>
      <p id="clicks">{data}</p>
      <p id="cached">{query.data?.data}</p>
      <p id="gap">{gap?.reason}</p>
      <button
        type="button"
        onClick={() => void query.refetch().then((loaded) => reset(loaded.data))}
      >
        load anew
      </button>
    </main>
  )
}

/** A run that sums up its deltas, and a button that stops it. */
export function Answer(): ReactNode {
  const { value, status, isCaughtUp, reason, stop, isStopping } = useRun(
    trpc.onAnswer.subscriptionOptions(),
    { apply: (sum, delta) => sum + delta, stop: () => client.stopAnswer.mutate() },
  )
  const shown = `${value} ${isCaughtUp ? 'caught up' : 'behind'}`
  useEffect(() => {
    seen.commits += 1
    if (seen.answers.at(-1) !== shown) seen.answers.push(shown)
  })
  return (
    <main>
      <p id="status">{status}</p>
      <p id="value">{value}</p>
      <p id="reason">{reason}</p>
      <button type="button" disabled={isStopping} onClick={() => void stop()}>
        stop
      </button>
    </main>
  )
}

/** A run, and a button that shows another one. */
export function Sums(): ReactNode {
  const [id, setId] = useState('a')
  const { value, status } = useRun(trpc.onSum.subscriptionOptions(id), {
    apply: (sum, delta) => sum + delta,
  })
  const shown = `${id}: ${value}, ${status}`
  useEffect(() => {
    if (seen.answers.at(-1) !== shown) seen.answers.push(shown)
  })
  return (
    <main>
      <p id="sum">{shown}</p>
      <button type="button" onClick={() => setId('b')}>
        another
      </button>
    </main>
  )
}

/** The entries of a state channel. */
export function Seats(): ReactNode {
  const { data = [] } = useLive(trpc.onSeat.subscriptionOptions(), {
    key: (seat) => seat.key,
    order: (a, b) => (a.key < b.key ? -1 : 1),
  })
  return (
    <ul>
      {data.map(({ key, value }) => (
        <li key={key}>{`${key} ${value}`}</li>
      ))}
    </ul>
  )
}

/** A subscription that is refused. */
export function Forbidden(): ReactNode {
  const { status, error, data } = useLive(trpc.onForbidden.subscriptionOptions(), {
    initialData: { data: 5 },
    reduce: (sum, clicks) => sum + clicks,
  })
  return (
    <p id="status">
      {status} {error?.message} {data}
    </p>
  )
}
