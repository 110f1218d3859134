import { expect, it } from 'vitest'
import { createPointer, type Point } from './pointer.ts'

function setup() {
  const frames: Array<() => void> = []
  const sent: Array<Point | undefined> = []
  const answers: Array<(isStored: boolean) => void> = []
  const pointer = createPointer({
    nextFrame: (callback) => frames.push(callback),
    send(point) {
      sent.push(point)
      return new Promise((resolve, reject) => {
        answers.push((isStored) => (isStored ? resolve() : reject(new Error('away'))))
      })
    },
  })
  const frame = (): void => {
    for (const callback of frames.splice(0)) callback()
  }
  async function answer(isStored = true): Promise<void> {
    answers.shift()?.(isStored)
    await Promise.resolve()
    await Promise.resolve()
  }
  return { pointer, sent, frame, answer }
}

it('sends one position in each frame, the newest', () => {
  const { pointer, sent, frame } = setup()
  for (const x of [0.1, 0.2, 0.3]) pointer.to({ x, y: 0 })
  expect(sent).toEqual([])
  frame()
  expect(sent).toEqual([{ x: 0.3, y: 0 }])
})

it('sends nothing while a request is under way, and then the newest', async () => {
  const { pointer, sent, frame, answer } = setup()
  pointer.to({ x: 0.1, y: 0 })
  frame()
  pointer.to({ x: 0.2, y: 0 })
  frame()
  pointer.to({ x: 0.3, y: 0 })
  frame()
  expect(sent).toHaveLength(1)
  await answer()
  frame()
  expect(sent).toEqual([
    { x: 0.1, y: 0 },
    { x: 0.3, y: 0 },
  ])
})

it('sends the next position after a request that failed', async () => {
  const { pointer, sent, frame, answer } = setup()
  pointer.to({ x: 0.1, y: 0 })
  frame()
  await answer(false)
  pointer.to(undefined)
  frame()
  expect(sent).toEqual([{ x: 0.1, y: 0 }, undefined])
})
