import type { SseGap } from '@trpc-sse/client'
import { describe, expect, it, vi } from 'vitest'
import { manualFrames, manualSubscription } from '../../../../tests/support/manual-subscription.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { createConnections } from './connections.ts'
import { LiveStore, type StoreConfig } from './live-store.ts'
import type { LiveSubscription } from './subscription.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Creates a store of a list of numbers. The test acts as its server. */
function setup(options: Partial<StoreConfig<readonly number[], Error>> = {}) {
  const { frames, paint } = manualFrames()
  const server = manualSubscription()
  const config: StoreConfig<readonly number[], Error> = {
    subscription: server.subscription,
    initialData: undefined,
    write: undefined,
    frames,
    reduce: (state, event) => [...state, event as number],
    snapshot: (data) => data as readonly number[],
    ...options,
  }
  const connections = createConnections()
  const store = new LiveStore(config, connections)
  return {
    ...server,
    store,
    config,
    connections,
    paint,
    state: (state: 'connecting' | 'pending' | 'idle', error: Error | null = null) =>
      server.current().onConnectionStateChange({ state, error }),
    data: () => store.getState().data,
  }
}

const gap = (lastEventId: string): SseGap => ({
  path: 'p',
  input: undefined,
  lastEventId,
  reason: 'trimmed',
})

describe('a store', () => {
  it('folds a snapshot and events, and renders them once a frame', () => {
    const s = setup()
    const listener = vi.fn()
    s.store.subscribe(listener)
    s.snapshot('2-0', [1, 2])
    for (const n of range(3, 1_000)) s.event(n)
    expect([s.data(), listener.mock.calls.length]).toEqual([undefined, 0])
    expect(s.paint()).toBe(1)
    expect([s.data(), listener.mock.calls.length]).toEqual([range(1, 1_000), 1])
    expect(s.paint()).toBe(0)
  })

  it('returns the same state until something changes', () => {
    const s = setup()
    s.store.subscribe(() => {})
    s.paint()
    const before = s.store.getState()
    expect(s.store.getState()).toBe(before)
    s.snapshot('1-0', [1])
    expect(s.store.getState()).toBe(before)
    s.paint()
    expect(s.store.getState()).not.toBe(before)
    expect(s.store.getInitialState()).toMatchObject({ data: undefined, status: 'connecting' })
  })

  it('starts after the position of its initial data', () => {
    const s = setup({ initialData: { data: [1], lastEventId: '1-0' } })
    expect(s.store.getInitialState().data).toEqual([1])
    s.store.subscribe(() => {})
    expect(s.subscribed[0]?.from).toBe('1-0')
    s.event(2)
    s.paint()
    expect(s.data()).toEqual([1, 2])
  })

  it('shares one subscription between listeners, and resumes it for a later listener', () => {
    const s = setup()
    const leave = [s.store.subscribe(() => {}), s.store.subscribe(() => {})]
    expect(s.subscribed.map(({ from }) => from)).toEqual([''])
    s.snapshot('1-0', [1])
    leave[0]?.()
    expect(s.subscribed[0]?.isOver).toBe(false)
    leave[1]?.()
    expect(s.subscribed[0]?.isOver).toBe(true)
    expect(s.data()).toEqual([1])
    s.event(9)
    s.store.subscribe(() => {})
    expect(s.subscribed[1]?.from).toBe('1-0')
    s.event(2)
    s.paint()
    expect(s.data()).toEqual([1, 2])
  })

  it('reports its position to a link that restarts the subscription', () => {
    const s = setup()
    s.store.subscribe(() => {})
    s.snapshot('1-0', [1])
    s.event(2)
    expect(s.current().context.lastEventId).toBe('2-0')
  })

  it('ignores a repeat of the event at its position', () => {
    const s = setup({ initialData: { data: [1], lastEventId: '1-0' } })
    s.store.subscribe(() => {})
    s.event(1)
    s.event(2)
    s.event(2)
    s.paint()
    expect(s.data()).toEqual([1, 2])
  })

  it('keeps its state if the reducer throws, and lets the error reach the caller', () => {
    const reduce = vi.fn((state: readonly number[], event: unknown) => {
      if (event === 2) throw new Error('bug')
      return [...state, event as number]
    })
    const s = setup({ initialData: { data: [1], lastEventId: '1-0' }, reduce })
    s.store.subscribe(() => {})
    expect(() => s.event(2)).toThrow('bug')
    expect(s.current().context.lastEventId).toBe('1-0')
    s.event(3)
    s.paint()
    expect(s.data()).toEqual([1, 3])
  })

  it('throws on an event that arrives before a state', () => {
    const s = setup()
    s.store.subscribe(() => {})
    expect(() => s.event(1)).toThrow(/initialData/)
  })

  it('does not subscribe if not enabled', () => {
    const s = setup({
      subscription: { queryKey: [], enabled: false, subscribe: () => expect.unreachable() },
      initialData: { data: [1] },
    })
    s.store.subscribe(() => {})
    s.store.getState().reset()
    expect(s.store.getState()).toMatchObject({ data: [1], status: 'idle', error: null })
  })

  it('applies a mark, which has the id of the event before it', () => {
    const s = setup({ initialData: { data: [] }, isMark: (event) => event === 0 })
    s.store.subscribe(() => {})
    for (const data of [1, 1, 0, 2]) s.current().onData({ id: '1-0', data })
    s.paint()
    expect(s.data()).toEqual([1, 0])
  })

  it('shows the status of its subscription, and its error', () => {
    const s = setup()
    s.store.subscribe(() => {})
    const states = (): unknown[] => {
      s.paint()
      const { status, error } = s.store.getState()
      return [status, error, s.connections.getState().status]
    }
    expect(states()).toEqual(['connecting', null, 'connecting'])
    s.state('pending')
    expect(states()).toEqual(['pending', null, 'pending'])
    const lost = new Error('lost')
    s.state('connecting', lost)
    expect(states()).toEqual(['connecting', lost, 'connecting'])
    expect(s.connections.getState().error).toBe(lost)
    s.state('pending')
    const refused = new Error('refused')
    s.current().onError(refused)
    expect(states()).toEqual(['error', refused, 'idle'])
    s.store.getState().reset()
    expect(states()).toEqual(['connecting', null, 'connecting'])
    s.state('idle')
    expect(states()).toEqual(['complete', null, 'idle'])
  })

  it('keeps the same functions from its first state to its last', () => {
    const s = setup({ initialData: { data: [1], lastEventId: '1-0' } })
    const { optimistic, reset } = s.store.getInitialState()
    const isSame = (): boolean => {
      s.paint()
      const state = s.store.getState()
      return state.optimistic === optimistic && state.reset === reset
    }
    s.store.subscribe(() => {})
    s.event(2)
    expect(isSame()).toBe(true)
    optimistic(3, Promise.resolve({ id: '3-0' }))
    s.state('connecting', new Error('lost'))
    expect(isSame()).toBe(true)
    reset()
    s.current().context.onGap(gap('1-0'))
    s.state('idle')
    expect(isSame()).toBe(true)
  })

  it.each([
    ['a live subscription', true, { type: 'snapshot', data: [7] }, [7]],
    ['a live subscription', true, { type: 'event', data: 7 }, [1, 7]],
    [
      'another subscription',
      false,
      { type: 'snapshot', data: [7] },
      [1, { type: 'snapshot', data: [7] }],
    ],
    ['another subscription', false, { type: 'event', data: 7 }, [1, { type: 'event', data: 7 }]],
    ['a subscription of an unknown kind', undefined, { type: 'snapshot', data: [7] }, [7]],
    ['a subscription of an unknown kind', undefined, { type: 'event', data: 7 }, [1, 7]],
    [
      'a subscription of an unknown kind',
      undefined,
      { type: 'snapshot', data: [7], at: 5 },
      [1, { type: 'snapshot', data: [7], at: 5 }],
    ],
    [
      'a subscription of an unknown kind',
      undefined,
      { type: 'put', data: 7 },
      [1, { type: 'put', data: 7 }],
    ],
  ])('reads a value of %s (live: %s): %j', (_, live, value, data) => {
    const s = setup({ initialData: { data: [1], lastEventId: '1-0' } })
    s.store.subscribe(() => {})
    s.current().onStarted(live === undefined ? {} : { context: { live } })
    s.current().onData({ id: '2-0', data: value })
    s.paint()
    expect(s.data()).toEqual(data)
  })

  it('shows a gap until a snapshot or a reset replaces the state', () => {
    const s = setup({ initialData: { data: [1], lastEventId: '1-0' } })
    s.store.subscribe(() => {})
    s.current().context.onGap(gap('1-0'))
    s.event(5)
    s.paint()
    expect(s.store.getState()).toMatchObject({ data: [1, 5], gap: gap('1-0') })
    s.snapshot('5-0', range(1, 5))
    s.paint()
    expect(s.store.getState()).toMatchObject({ data: range(1, 5), gap: null })
    s.current().context.onGap(gap('5-0'))
    s.store.configure({ ...s.config, initialData: { data: range(1, 8), lastEventId: '8-0' } })
    const old = s.current()
    s.store.getState().reset()
    expect(s.store.getState()).toMatchObject({ data: range(1, 8), gap: null, status: 'connecting' })
    expect(s.subscribed.map(({ from, isOver }) => [from, isOver])).toEqual([
      ['1-0', true],
      ['8-0', false],
    ])
    old.onData({ id: '6-0', data: 6 })
    s.paint()
    expect(s.data()).toEqual(range(1, 8))
  })

  it('writes each state once a frame, and the last one when its last listener leaves', () => {
    const write = vi.fn()
    const s = setup({ write, initialData: { data: [], lastEventId: '0-0' } })
    const leave = s.store.subscribe(() => {})
    s.state('pending')
    s.paint()
    expect(write).not.toHaveBeenCalled()
    s.event(1)
    s.event(2)
    s.store.getState().optimistic(9, new Promise(() => {}))
    s.paint()
    s.event(3)
    leave()
    expect(s.data()).toEqual([1, 2, 3, 9])
    expect(write.mock.calls).toEqual([
      [[1, 2], '2-0'],
      [[1, 2, 3], '3-0'],
    ])
  })

  it('calls the handlers of the subscription, too', () => {
    const received: unknown[] = []
    const s = setup()
    const subscription: LiveSubscription<unknown, Error> = {
      ...s.config.subscription,
      onStarted: () => received.push('started'),
      onData: (value) => received.push(value),
      onError: (error) => received.push(error),
      onConnectionStateChange: (change) => received.push(change.state),
    }
    s.store.configure({ ...s.config, subscription })
    s.store.subscribe(() => {})
    s.current().onStarted()
    s.state('pending')
    s.snapshot('1-0', [1])
    s.current().onError(new Error('no'))
    expect(received).toEqual([
      'started',
      'pending',
      { id: '1-0', data: { type: 'snapshot', data: [1] } },
      new Error('no'),
    ])
  })
})

describe('an optimistic event', () => {
  function begun() {
    const s = setup({
      initialData: { data: [1], lastEventId: '1-0' },
      // Faster than a spread, for many events.
      reduce: (state, event) => state.concat(event as number),
    })
    s.store.subscribe(() => {})
    let resolve = (_: { id: string }): void => {}
    let reject = (_: Error): void => {}
    const promise = new Promise<{ id: string }>((...settle) => {
      ;[resolve, reject] = settle
    })
    return {
      ...s,
      answer: async (id: string) => {
        resolve({ id })
        await settled()
      },
      refuse: async () => {
        reject(new Error('no'))
        await settled()
      },
      optimistic: (isSame?: (event: unknown) => boolean) =>
        s.store.getState().optimistic(5, promise, isSame && { isSame }),
      shown: () => {
        s.paint()
        return s.data()
      },
    }
  }

  it('shows at once, and is not doubled by an event after the answer', async () => {
    const s = begun()
    s.optimistic()
    expect(s.data()).toEqual([1, 5])
    await s.answer('5-0')
    expect(s.shown()).toEqual([1, 5])
    s.event(4)
    expect(s.shown()).toEqual([1, 4, 5])
    s.event(5)
    expect(s.shown()).toEqual([1, 4, 5])
    s.event(6)
    expect(s.shown()).toEqual([1, 4, 5, 6])
  })

  it('is removed when the answer comes after the event', async () => {
    const s = begun()
    s.optimistic()
    s.event(4)
    s.event(5)
    // Without an answer, the store can't know that both are the same.
    expect(s.shown()).toEqual([1, 4, 5, 5])
    await s.answer('5-0')
    expect(s.shown()).toEqual([1, 4, 5])
  })

  it('is removed when its event comes before the answer, if isSame recognises it', async () => {
    const s = begun()
    s.optimistic((event) => event === 5)
    s.event(4)
    expect(s.shown()).toEqual([1, 4, 5])
    s.event(5)
    expect(s.shown()).toEqual([1, 4, 5])
    await s.answer('5-0')
    expect(s.shown()).toEqual([1, 4, 5])
  })

  it('is removed when the mutation fails', async () => {
    const s = begun()
    s.optimistic()
    await s.refuse()
    expect(s.shown()).toEqual([1])
  })

  it('is removed by a snapshot or a gap once answered, and stays on top until then', async () => {
    const s = begun()
    s.optimistic()
    s.snapshot('3-0', [1, 2, 3])
    expect(s.shown()).toEqual([1, 2, 3, 5])
    await s.answer('5-0')
    s.snapshot('6-0', range(1, 6))
    expect(s.shown()).toEqual(range(1, 6))
    const other = begun()
    other.optimistic()
    await other.answer('5-0')
    other.current().context.onGap(gap('1-0'))
    expect(other.shown()).toEqual([1])
  })

  it('is removed by its answer if a snapshot may contain it', async () => {
    const s = begun()
    s.optimistic()
    s.snapshot('6-0', range(1, 6))
    await s.answer('5-0')
    expect(s.shown()).toEqual(range(1, 6))
  })

  it('is not shown if the reducer throws, and the caller gets the error', () => {
    const s = setup({
      initialData: { data: [1] },
      reduce: () => {
        throw new Error('bug')
      },
    })
    s.store.subscribe(() => {})
    expect(() => s.store.getState().optimistic(5, new Promise(() => {}))).toThrow('bug')
    s.state('pending')
    s.paint()
    expect(s.store.getState()).toMatchObject({ data: [1], status: 'pending' })
  })

  it('is removed by a very late answer, whose event is no longer remembered', async () => {
    const s = begun()
    s.optimistic()
    for (const n of range(2, 10_100)) s.event(n)
    await s.answer('5-0')
    expect(s.shown()).toEqual(range(1, 10_100))
  })

  it('waits for a first state, and is removed by reset', async () => {
    const s = setup()
    s.store.subscribe(() => {})
    s.store.getState().optimistic(5, new Promise(() => {}))
    expect(s.data()).toBeUndefined()
    s.snapshot('1-0', [1])
    s.paint()
    expect(s.data()).toEqual([1, 5])
    s.store.getState().reset()
    s.snapshot('1-0', [1])
    s.paint()
    expect(s.data()).toEqual([1])
  })
})
