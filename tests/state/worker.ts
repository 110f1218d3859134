// A process that changes the map on the Redis at REDIS_URL, on request. It sends its work.
import { backendOf, createApp } from './app.ts'
import { work } from './work.ts'

const app = createApp(backendOf(process.env.REDIS_URL))

process.on('message', ({ seed, operations }: { seed: number; operations: number }) => {
  void work(app, seed, operations).then((done) => process.send?.(done))
})
process.send?.({ port: 0 })
// The test that started this process has ended.
process.on('disconnect', () => process.exit())
