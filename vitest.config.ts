import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'

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
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Two browsers and a build on two cores: what takes a moment may take ten seconds.
  expect: { poll: { timeout: 30_000 } },
}

export default defineConfig({
  test: {
    // The machines this runs on have two cores, and a test's servers and browsers need some of them.
    maxWorkers: 2,
    reporters: ['default', './scripts/reporter.mjs'],
    project: '!browsers',
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
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
            tsconfig: join(root, 'tsconfig.json'),
            include: ['{packages,tests}/**/*.test-d.ts'],
            exclude,
          },
        },
      },
    ],
  },
})
