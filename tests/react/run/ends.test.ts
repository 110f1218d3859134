import { Component, createElement, type ReactNode } from 'react'
import { describe, expect, it } from 'vitest'
import { openPage } from './page.ts'
import { TestRun } from './test-run.ts'

describe('the end of a run', () => {
  it.each(['failed', 'abandoned', 'none'] as const)(
    'as %s keeps the value, and has the error of the subscription',
    async (status) => {
      using page = openPage()
      const run = new TestRun()
      const error = new Error('The run is over.')
      await page.show({ run })
      await page.paint(() => {
        run.connect()
        run.fold('a')
        run.say('b')
        run.end(status, 'why')
        run.fail(error)
      })
      expect(page.last()).toMatchObject({
        value: 'ab',
        status,
        reason: 'why',
        error,
        isCaughtUp: true,
        isStopping: false,
      })
      expect(page.warnings()).toEqual([])
    },
  )

  it('does not flash another status between the end and the error', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run })
    await page.paint(() => {
      run.connect()
      run.fold('a')
    })
    await page.paint(() => run.end('failed'))
    await page.paint(() => run.fail(new Error('failed')))
    const statuses = page.renders.map(({ status }) => status)
    expect([...new Set(statuses)]).toEqual(['connecting', 'running', 'failed'])
  })

  it('stays when the connection is lost and found later', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run })
    await page.paint(() => {
      run.fold('a')
      run.end('completed')
      run.loseConnection(new Error('offline'))
    })
    expect(page.last()).toMatchObject({ value: 'a', status: 'completed' })
  })
})

describe('an outage in the middle of a run', () => {
  it('keeps the value and the mark, and goes on', async () => {
    using page = openPage()
    const run = new TestRun()
    const error = new Error('offline')
    await page.show({ run })
    await page.paint(() => {
      run.connect()
      run.fold('a')
      run.catchUp()
    })
    await page.paint(() => run.loseConnection(error))
    expect(page.last()).toMatchObject({ value: 'a', status: 'connecting', error, isCaughtUp: true })
    await page.paint(() => {
      run.connect()
      run.say('b')
    })
    expect(page.last()).toMatchObject({ value: 'ab', status: 'running', error: null })
  })

  it('applies nothing twice if the link repeats an item', async () => {
    using page = openPage()
    const run = new TestRun()
    await page.show({ run })
    await page.paint(() => {
      run.fold('a')
      run.say('b')
    })
    const delta = { id: '2-0', data: { type: 'delta', data: 'b' } }
    await page.paint(() => run.open[0]?.handlers.onData(delta))
    expect(page.last().value).toBe('ab')
  })
})

describe('an error in the middle of a run', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('Bad delta.')
      },
      'Bad delta.',
    ],
    ['returns nothing', () => undefined, 'apply returned undefined'],
    ['is async', async () => 'ab', 'apply returned a promise'],
  ])(
    'reaches the link, and leaves the value as it was, if `apply` %s',
    async (_, apply, message) => {
      using page = openPage()
      const run = new TestRun()
      await page.show({ run, apply: apply as never })
      await page.paint(() => run.fold('a'))
      await page.paint(() => expect(() => run.say('b')).toThrow(message))
      expect(page.last().value).toBe('a')
    },
  )

  it('of the component is caught by its error boundary, and the subscription ends', async () => {
    using page = openPage()
    const run = new TestRun()
    class Boundary extends Component<{ children: ReactNode }> {
      override state = { hasFailed: false }
      static getDerivedStateFromError() {
        return { hasFailed: true }
      }
      override render(): ReactNode {
        return this.state.hasFailed ? null : this.props.children
      }
    }
    const follower = createElement(page.Follower, {
      run,
      onRender({ value }) {
        if (value === 'boom') throw new Error('The component failed.')
      },
    })
    await page.render(createElement(Boundary, null, follower))
    await page.paint(() => run.fold('a'))
    await page.paint(() => run.fold('boom'))
    expect(page.errors).toMatchObject([{ message: 'The component failed.' }])
    expect(run.open).toEqual([])
  })

  it('of `subscribe` itself becomes the status', async () => {
    using page = openPage()
    const run = new TestRun()
    const subscription = {
      subscribe() {
        throw new Error('No link.')
      },
    }
    await page.show({ run, subscription })
    await page.paint()
    expect(page.last()).toMatchObject({ status: 'error', error: { message: 'No link.' } })
    expect(page.errors).toEqual([])
  })
})
