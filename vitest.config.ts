import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'
import { otherNodes } from './tests/support/nodes.ts'
import { TestOrder, testProcesses } from './tests/support/test-processes.ts'

const root = import.meta.dirname

/**
 * Resolves `@trpc/server` and `@trpc/client` from `tests/next`, including imports of workspace
 * packages. An alias to a folder would skip the packages' `exports`, so this resolves them as if
 * imported there.
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
  // Halves the startup time of programs that tests start repeatedly: demos, servers, npm.
  env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node') },
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // With two browsers and a build on two cores, a short step may take ten seconds.
  expect: { poll: { timeout: 30_000 } },
}

/**
 * Tests that find nothing on a second version of Node or of tRPC: their time is simulated, or they
 * count what our code does with memory and CPU time.
 */
const versionless = [
  'packages/server/src/link/{churn,fair-share,fan-out,forgets,imports,slow}.test.ts',
  'packages/server/src/link/{expiry,fleet*,loads}.test.ts',
  'packages/server/src/link/usage/*.test.ts',
  'packages/client/src/event-path.test.ts',
  'packages/client/src/**/{*simulation,state,retry*,handover,input,role,scope}.test.ts',
]

export default defineConfig({
  test: {
    // For two cores: while one file waits for a browser or a timer, two others run.
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
        // These need browsers that aren't always installed, so they run only when selected by name.
        test: { ...shared, name: 'browsers', include: ['tests/browsers/*.test.ts'] },
      },
      {
        // Runs tests of code that depends on tRPC again, with its newest version.
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
          exclude: [...exclude, ...versionless],
        },
      },
      ...otherNodes.map((node) => ({
        // Runs tests of HTTP, sockets, streams, timers, fetch and async hooks again, on every other
        // Node.
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
          exclude: [...exclude, ...versionless],
          // The parsers of HTTP differ, not what the server does with a request.
          env: { ...shared.env, FUZZ_SHARE: '0.2' },
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
            // The typecheck step reports these errors.
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
