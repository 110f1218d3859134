import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'
import { otherNodes } from './tests/support/nodes.ts'
import { TestOrder, testProcesses } from './tests/support/test-processes.ts'

const root = import.meta.dirname

/**
 * Resolves every `@trpc/server` and `@trpc/client`, the workspace packages' own imports included, from
 * `tests/next`. An alias to a folder would skip the packages' `exports`, so this asks as if from there.
 */
function trpcNext(): Plugin {
  const importer = join(root, 'tests/next/package.json')
  return {
    name: 'trpc-next',
    enforce: 'pre',
    resolveId(source) {
      if (!/^@trpc\/(server|client)(\/|$)/.test(source)) return null
      return this.resolve(source, importer, { skipSelf: true })
    },
  }
}

const exclude = ['**/node_modules/**', '**/dist/**']
const shared = {
  root,
  exclude,
  // `testProcesses` isolates the files that need it.
  isolate: false,
  // Halves the start of the programs that tests start over and over: demos, servers, npm.
  env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node') },
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Two browsers and a build on two cores: what takes a moment may take ten seconds.
  expect: { poll: { timeout: 30_000 } },
}

export default defineConfig({
  test: {
    // For two cores: while one file waits, for a browser or a timer, two others run.
    maxWorkers: 3,
    sequence: { sequencer: TestOrder },
    reporters: ['default', './scripts/reporter.mjs'],
    project: '!browsers',
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          pool: testProcesses({ name: 'unit' }),
          include: [
            'packages/*/src/**/*.test.{ts,tsx}',
            'apps/*/**/*.test.{ts,tsx}',
            'bench/**/*.test.ts',
            'tests/**/*.test.ts',
          ],
          exclude: [...exclude, 'tests/browsers/**'],
        },
      },
      {
        // Browsers that not everybody has: run when asked for by name.
        test: { ...shared, name: 'browsers', include: ['tests/browsers/*.test.ts'] },
      },
      {
        // What touches tRPC, once more under its newest version.
        plugins: [trpcNext()],
        test: {
          ...shared,
          name: 'trpc-next',
          pool: testProcesses({ name: 'trpc-next' }),
          include: [
            'tests/next/*.test.ts',
            'tests/interop*.test.ts',
            'tests/interop/**/*.test.ts',
            'tests/adapters/{apps,bodies,cases,fastify}.test.ts',
            'packages/client/src/**/*.test.ts',
            'packages/server/src/link/**/*.test.ts',
            'packages/server/src/adapters/**/*.test.ts',
          ],
        },
      },
      ...otherNodes.map((node) => ({
        // What touches HTTP, sockets, streams, timers, fetch and async hooks, once more on every other Node.
        test: {
          ...shared,
          name: node.name,
          pool: testProcesses({ name: node.name, nodePath: node.path }),
          include: [
            'packages/server/src/link/**/*.test.ts',
            'packages/server/src/adapters/*.test.ts',
            'packages/client/src/**/*.test.ts',
            'tests/nodes/*.test.ts',
            'tests/fuzz/door.test.ts',
            'tests/adapters/{cases,fastify,older-middleware}.test.ts',
            'tests/multiplexed/{client-link,http2,isolation,one-stream}.test.ts',
            'tests/interop/{links,fallback,limits}.test.ts',
            'tests/user-code/async-context.test.ts',
          ],
          // Minutes of load, or nothing of Node's: one version is enough.
          exclude: [
            ...exclude,
            'packages/server/src/link/{churn,fair-share,imports,slow}.test.ts',
            'packages/client/src/**/{*simulation,state,retry,options,handover,input}.test.ts',
          ],
        },
      })),
      {
        test: {
          ...shared,
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            checker: 'tsc',
            // The typecheck step reports those.
            ignoreSourceErrors: true,
            tsconfig: join(root, 'tests/tsconfig.types.json'),
            include: ['{packages,tests}/**/*.test-d.ts'],
            exclude,
          },
        },
      },
    ],
  },
})
