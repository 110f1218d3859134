import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const root = join(import.meta.dirname, '../..')
const packed = join(process.env.PACKED_CLIENT ?? '', 'dist')

/** Runs the tests of the client's features with the packed client instead of its source. */
export default defineConfig({
  test: {
    root,
    include: [
      'tests/event-source/node.test.ts',
      'tests/interop/{fallback,links,retry-link}.test.ts',
      'tests/multiplexed/{client-link,keys}.test.ts',
      'tests/tabs/group.test.ts',
    ],
    alias: [
      { find: /^@trpc-sse\/client$/, replacement: join(packed, 'index.js') },
      { find: '@trpc-sse/client/tabs', replacement: join(packed, 'tabs/index.js') },
    ],
    // One process, which imports everything once.
    isolate: false,
    maxWorkers: 1,
    testTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
})
