import { type ChildProcess, execFileSync, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core'
import { build, transformSync } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testedNodes } from './support/nodes.ts'
import { startRedis } from './support/redis.ts'

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly keywords?: readonly string[]
  readonly exports: Record<string, unknown>
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

interface ServerOnNode {
  readonly major: number
  readonly url: string
}

const root = resolve(import.meta.dirname, '..')
const work = mkdtempSync(join(tmpdir(), 'packaging-'))
const published = readdirSync(join(root, 'packages'))
  .filter((folder) => existsSync(join(root, 'packages', folder, 'package.json')))
  .map((folder) => ({ folder, name: manifestIn(join(root, 'packages', folder)).name }))

beforeAll(() => {
  run('pnpm', ['exec', 'turbo', 'run', 'build', '--filter=./packages/*'])
  run('pnpm', ['--filter', './packages/*', 'pack', '--out', join(work, '%s.tgz')])
  for (const { folder } of published) {
    mkdirSync(unpacked(folder), { recursive: true })
    run('tar', ['-xzf', tarball(folder), '-C', unpacked(folder), '--strip-components=1'])
  }
}, 180_000)

afterAll(() => rmSync(work, { recursive: true, force: true }))

describe.each(published)('$name, packed', ({ folder, name }) => {
  it('has nothing that publint objects to', async () => {
    const { messages, pkg } = await publint({ pkgDir: unpacked(folder), pack: false, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  it('has types that resolve in every ESM resolution mode', async () => {
    // In this process: the compiler that it uses takes longer to start than to check a package.
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball(folder))))
    expect(analysis.types && analysis.problems.filter(isOfEsm)).toEqual([])
  })

  it('has declarations that name only what an installer has', () => {
    const manifest = manifestIn(unpacked(folder))
    const had = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, [name]: '' })
    const strangers = filesIn(join(unpacked(folder), 'dist'), /\.d\.ts$/).flatMap((file) =>
      importsOf(file).filter((specifier) => !isAllowed(specifier, file, had)),
    )
    expect(strangers).toEqual([])
  })

  it('has entries that load', () => {
    for (const entry of Object.keys(manifestIn(unpacked(folder)).exports)) {
      if (entry.endsWith('.json')) continue
      const specifier = `${name}${entry.slice(1)}`
      run('node', ['--input-type=module', '-e', `await import('${specifier}')`], consumer('tests'))
    }
  })

  it('names its repository, and has links that work outside of it', () => {
    const repository = 'https://github.com/trpc-sse/trpc-sse'
    const manifest = manifestIn(unpacked(folder))
    expect(manifest).toMatchObject({
      homepage: `${repository}/tree/main/packages/${folder}#readme`,
      repository: { type: 'git', url: `git+${repository}.git`, directory: `packages/${folder}` },
      bugs: { url: `${repository}/issues` },
    })
    expect(manifest.keywords).toEqual(expect.arrayContaining(['trpc']))
    const readme = readFileSync(join(unpacked(folder), 'README.md'), 'utf8')
    const links = [...readme.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link)
    expect(links.filter((link) => !link?.startsWith('https://'))).toEqual([])
  })

  it('has only built files in it, beside what describes the package', () => {
    const others = filesIn(unpacked(folder), /^/)
      .map((file) => relative(unpacked(folder), file))
      .filter((file) => !/^dist\/[\w/-]+\.(js|js\.map|d\.ts)$/.test(file))
    const described = ['LICENSE', 'README.md', 'package.json']
    const vectors = filesIn(join(unpacked(folder), 'vectors'), /\.json$/)
    const extras: Readonly<Record<string, readonly string[]>> = {
      protocol: ['PROTOCOL.md', ...vectors.map((file) => relative(unpacked(folder), file))],
      opentelemetry: ['grafana-dashboard.json'],
    }
    expect(others.sort()).toEqual([...described, ...(extras[folder] ?? [])].sort())
    expect(filesIn(unpacked(folder), /\.test(-d)?\./)).toEqual([])
  })

  it('has source maps that carry their sources', () => {
    const maps = filesIn(join(unpacked(folder), 'dist'), /\.map$/)
    expect(maps.length).toBeGreaterThan(0)
    for (const map of maps) {
      const { sources, sourcesContent }: Partial<Record<string, string[]>> = JSON.parse(
        readFileSync(map, 'utf8'),
      )
      expect(sourcesContent, map).toHaveLength(sources?.length ?? 0)
    }
  })

  function isAllowed(specifier: string, file: string, had: readonly string[]): boolean {
    if (specifier.includes('unstable-')) return false
    if (specifier.startsWith('.'))
      return !relative(unpacked(folder), resolve(dirname(file), specifier)).startsWith('..')
    return (
      specifier.startsWith('node:') ||
      had.some((own) => specifier === own || specifier.startsWith(`${own}/`))
    )
  }
})

it.each(['tests', 'tests/next'])(
  'an app with the packages and the tRPC of %s compiles',
  (trpcOf) => {
    const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', '.', '--pretty', 'false'], {
      cwd: consumer(trpcOf),
      encoding: 'utf8',
    })
    // Declarations of other packages are compiled, too, and some need types that aren't installed.
    const ours = tsc.stdout
      .split('\n')
      .filter((line) => /^(consumer\.ts|node_modules\/@trpc-sse\/)/.test(line))
    expect(tsc.error).toBeUndefined()
    expect(ours).toEqual([])
    expect(existsSync(join(consumer(trpcOf), 'out/consumer.d.ts'))).toBe(true)
  },
)

describe('a project of CommonJS', () => {
  it('requires every entry, which is the same module that it imports', () => {
    const entries = published.flatMap(({ folder, name }) =>
      Object.keys(manifestIn(unpacked(folder)).exports)
        .filter((entry) => !entry.endsWith('.json'))
        .map((entry) => `${name}${entry.slice(1)}`),
    )
    const script = `Promise.all(${JSON.stringify(entries)}.map(async (entry) => {
      if (require(entry) !== (await import(entry))) throw new Error(entry)
    }))`
    run('node', ['--no-warnings', '--input-type=commonjs', '-e', script], consumer('tests'))
    expect(entries.length).toBeGreaterThan(8)
  })

  it.each([
    ['nodenext', []],
    ['node20', []],
    ['node16', ['static.cts: TS1479']],
    ['node18', ['static.cts: TS1479']],
  ])('compiles with module %s, as docs/commonjs.md says', (module, expected) => {
    const folder = join(consumer('tests'), module)
    mkdirSync(folder)
    writeFileSync(
      join(folder, 'static.cts'),
      `import { channel } from '@trpc-sse/server'\nvoid channel\n`,
    )
    const [, dynamic = ''] =
      /<!-- file: dynamic\.cts -->\n+```ts\n([\s\S]*?)```/.exec(
        readFileSync(join(root, 'docs/commonjs.md'), 'utf8'),
      ) ?? []
    expect(dynamic).not.toBe('')
    writeFileSync(join(folder, 'dynamic.cts'), dynamic)
    const compilerOptions = {
      module,
      target: 'ES2023',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    }
    const include = ['*.cts']
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
    const { stdout } = spawnSync(
      join(root, 'node_modules/.bin/tsc'),
      ['-p', '.', '--pretty', 'false'],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    )
    const errors = [...stdout.matchAll(/^(\w+\.cts)\(.*?error (TS\d+)/gm)].map(
      ([, file, code]) => `${file}: ${code}`,
    )
    expect(errors).toEqual(expected)
  })
})

describe('on every Node', () => {
  const running: ChildProcess[] = []
  const servers: ServerOnNode[] = []
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined

  beforeAll(async () => {
    redis = await startRedis()
    for (const { major, path } of testedNodes) {
      const server = fork(program('server'), {
        execPath: path,
        execArgv: [],
        env: { ...process.env, REDIS_URL: redis.url },
      })
      running.push(server)
      const [message] = await once(server, 'message')
      servers.push({ major, url: `http://127.0.0.1:${(message as { port: number }).port}` })
    }
  })
  afterAll(async () => {
    for (const server of running) server.kill()
    await redis?.[Symbol.asyncDispose]()
  })

  it.each(testedNodes)(
    'a client on $version gets every event once from servers on it, the oldest and the newest',
    async ({ path, major }) => {
      const [oldest, newest] = [servers.at(0), servers.at(-1)]
      const own = servers.find((server) => server.major === major)
      const urls = new Set([own, oldest, newest].flatMap((server) => server?.url ?? []))
      const client = fork(program('client'), [...urls], {
        execPath: path,
        execArgv: [],
        silent: true,
      })
      let errors = ''
      client.stderr?.on('data', (text) => {
        errors += text
      })
      const [code] = await once(client, 'exit')
      expect(code, errors).toBe(0)
    },
  )
})

it.each(testedNodes)('the command of the packed CLI runs on $version', async ({ path }) => {
  const bin = join(consumer('tests'), 'node_modules/@trpc-sse/cli', 'dist/bin.js')
  await using redis = await startRedis()
  const env = { REDIS_URL: redis.url }
  expect(run(path, [bin, '--help'])).toContain('Usage: trpc-sse <command>')
  run(path, [bin, 'publish', 'news', '--data', '"one"', '--create'], root, env)
  expect(run(path, [bin, 'history', 'news'], root, env)).toContain('"one"')
})

/**
 * Writes a program of `tests/packaging` as plain JavaScript into a project with the packed
 * packages.
 */
function program(name: string): string {
  const file = join(consumer('tests'), `${name}.js`)
  const source = readFileSync(join(root, `tests/packaging/${name}.ts`), 'utf8')
  writeFileSync(file, transformSync(source, { loader: 'ts', target: 'node20' }).code)
  return file
}

// The build renames properties, which may break code that works from source.
it('the packed client passes the tests of its features', () => {
  const client = join(consumer('tests'), 'node_modules/@trpc-sse/client')
  const config = join(root, 'tests/packaging/vitest.config.ts')
  run('pnpm', ['exec', 'vitest', 'run', '--config', config], root, { PACKED_CLIENT: client })
}, 180_000)

describe('the client with its dependencies, in a browser', () => {
  const link = "export { sseLink } from '@trpc-sse/client';"
  const withTabs = `${link} export { tabs } from '@trpc-sse/client/tabs'`

  it('is at most 12.9 kB with gzip, and 0.7 kB more for an EventSource, or for positions that are kept', async () => {
    const sizes = await clientSizes(link, gzipSync)
    const {
      stdin: main = 0,
      'event-source-names': events = 0,
      'persisted-positions': positions = 0,
      // Loaded only when two attempts in a row have timed out.
      probe = 0,
      ...others
    } = sizes
    expect(main).toBeGreaterThan(0)
    expect(main).toBeLessThanOrEqual(12_900)
    expect(Math.min(events, positions, probe)).toBeGreaterThan(0)
    expect(Math.max(events, positions)).toBeLessThanOrEqual(700)
    expect(probe).toBeLessThanOrEqual(300)
    expect(others).toEqual({})
  })

  it('is at most 4 kB more with gzip where tabs share it', async () => {
    const { stdin: all = 0 } = await clientSizes(withTabs, gzipSync)
    const { stdin: main = 0 } = await clientSizes(link, gzipSync)
    expect(all - main).toBeGreaterThan(0)
    expect(all - main).toBeLessThanOrEqual(4_000)
  })

  it('is at most 15.9 kB with Brotli, with everything on that goes together', async () => {
    const sizes = await clientSizes(link, brotliCompressSync)
    const { stdin: main = 0, 'event-source-names': events = 0 } = sizes
    const { stdin: all = 0, 'persisted-positions': positions = 0 } = await clientSizes(
      withTabs,
      brotliCompressSync,
    )
    expect(Math.min(main, events, positions)).toBeGreaterThan(0)
    expect(Math.max(all, main + events) + positions).toBeLessThanOrEqual(15_900)
  })

  it('has nothing of what tabs share it with, unless that is imported', async () => {
    const ofTabs = (files: readonly string[]): string[] =>
      files.filter((file) => /client\/dist\/tabs\//.test(file))
    expect(
      ofTabs((await bundle({ contents: withTabs, external: ['@trpc/*'] })).inputs),
    ).not.toEqual([])
    expect(ofTabs((await bundle({ contents: link, external: ['@trpc/*'] })).inputs)).toEqual([])
  })
})

it('the React package by itself is at most 4 kB in a browser', async () => {
  const external = ['react', '@trpc/*', '@trpc-sse/client']
  const { stdin: main = 0, ...others } = await sizesOf(
    { contents: "export * from '@trpc-sse/react'", external },
    gzipSync,
  )
  expect(main).toBeGreaterThan(1_000)
  expect(main).toBeLessThanOrEqual(4_000)
  expect(others).toEqual({})
})

it.each([
  { conditions: ['production'], hasPanel: false },
  { conditions: ['development'], hasPanel: true },
])('the devtools in a bundle for $conditions have a panel: $hasPanel', async (given) => {
  const contents = "export { createDevtools } from '@trpc-sse/devtools'"
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: consumer('tests') },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    conditions: given.conditions,
    external: ['@trpc/*'],
  })
  const hasPanel = Object.keys(metafile.inputs).some((file) => file.includes('/panel/'))
  expect(hasPanel).toBe(given.hasPanel)
  expect(outputFiles[0]?.contents.length).toBeLessThan(hasPanel ? 25_000 : 300)
})

it.each([
  { entry: 'ai-sdk', name: 'createChatTransport', external: ['ai'] },
  { entry: 'tanstack', name: 'createRunConnection', external: [] },
])(
  'the AI package for $entry is at most 1.4 kB in a browser, with no server in it',
  async ({ entry, name, external }) => {
    const contents = `export { ${name} } from '@trpc-sse/ai/${entry}'`
    const { stdin: main = 0, ...others } = await sizesOf({ contents, external }, gzipSync)
    expect(main).toBeGreaterThan(500)
    expect(main).toBeLessThanOrEqual(1_400)
    expect(others).toEqual({})
  },
)

it.each([
  { platform: 'browser', conditions: ['workerd', 'worker', 'browser'], hasNode: false },
  { platform: 'neutral', conditions: ['deno'], hasNode: false },
  { platform: 'node', conditions: [], hasNode: true },
] as const)(
  'the server link in a bundle for $platform $conditions has code for Node in it: $hasNode',
  async ({ platform, conditions, hasNode }) => {
    const contents = `
      export { createServerLink } from '@trpc-sse/server'
      export { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
    `
    const { metafile } = await build({
      stdin: { contents, resolveDir: consumer('tests') },
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform,
      conditions: [...conditions],
      mainFields: ['module', 'main'],
    })
    const files = Object.keys(metafile.inputs)
    expect(files.some((file) => file.endsWith('dist/link/fetch/fetch.js'))).toBe(true)
    expect(files.some((file) => file.includes('dist/link/node/'))).toBe(hasNode)
  },
)

it('the server in a bundle has nothing of the inspector, unless that is imported', async () => {
  const link = "export { createChannels, createServerLink } from '@trpc-sse/server';"
  const inspector = "export { inspector } from '@trpc-sse/server/inspector'"
  const external = ['@trpc/*', '#node']
  const [without, using] = await Promise.all(
    [link, link + inspector].map((contents) => bundle({ contents, external })),
  )
  const ofInspector = (files: readonly string[] = []): string[] =>
    files.filter((file) => file.includes('server/dist/inspector/'))
  const hasPath = (one: typeof without): boolean | undefined =>
    one?.outputFiles.some(({ text }) => text.includes('~inspector'))
  expect(ofInspector(without?.inputs)).toEqual([])
  expect(hasPath(without)).toBe(false)
  expect(ofInspector(using?.inputs).length).toBeGreaterThan(10)
  expect(hasPath(using)).toBe(true)
})

type Compress = (contents: Uint8Array) => Uint8Array

/** Returns the compressed sizes of a program that imports the client, by file. */
function clientSizes(
  contents: string,
  compress: Compress,
): Promise<Partial<Record<string, number>>> {
  return sizesOf({ contents, external: ['@trpc/*'] }, compress)
}

interface Program {
  readonly contents: string
  readonly external: string[]
}

/**
 * Returns the compressed sizes of its files in bytes, by name. `stdin` is loaded at once, and
 * others when they are used.
 */
async function sizesOf(
  program: Program,
  compress: Compress,
): Promise<Partial<Record<string, number>>> {
  const { outputFiles } = await bundle(program)
  return Object.fromEntries(
    outputFiles.map(({ path, contents }) => [basename(path, '.js'), compress(contents).length]),
  )
}

/** Bundles a program as an app would, and returns the names of the bundled modules. */
async function bundle({ contents, external }: Program) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: consumer('tests') },
    bundle: true,
    splitting: true,
    outdir: join(work, 'bundle'),
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    chunkNames: '[name]',
    external,
  })
  return { outputFiles, inputs: Object.keys(metafile.inputs) }
}

const hermesFolder = { linux: 'linux64-bin', darwin: 'osx-bin' }[process.platform as string]
const hasHermes =
  hermesFolder !== undefined && (process.platform === 'darwin' || process.arch === 'x64')

it.runIf(hasHermes)('the client compiles unchanged with the compiler of React Native', async () => {
  const contents = "export * from '@trpc-sse/client'; export * from '@trpc/client'"
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: consumer('tests') },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'client',
    platform: 'browser',
    target: 'esnext',
  })
  const script = join(work, 'native.js')
  writeFileSync(script, outputFiles[0]?.contents ?? '')
  const hermesc = join(
    root,
    'tests/node_modules/hermes-compiler/hermesc',
    hermesFolder ?? '',
    'hermesc',
  )
  run(hermesc, ['-O', '-w', '-emit-binary', '-out', `${script}.hbc`, script])
  expect(statSync(`${script}.hbc`).size).toBeGreaterThan(10_000)
})

it("no source imports tRPC's unstable entries", () => {
  const sources = ['packages', 'apps', 'examples'].flatMap((folder) =>
    filesIn(join(root, folder), /\.[cm]?tsx?$/),
  )
  const unstable = sources.filter((file) =>
    importsOf(file).some((specifier) => /^@trpc\/.*unstable-/.test(specifier)),
  )
  expect(unstable).toEqual([])
})

/**
 * Creates a project with the packed packages, and with the tRPC of the workspace package `trpcOf`.
 */
function consumer(trpcOf: string): string {
  const folder = join(work, `consumer-${trpcOf.replaceAll('/', '-')}`)
  if (existsSync(folder)) return folder
  for (const { folder: own, name } of published)
    cpSync(unpacked(own), join(folder, 'node_modules', name), { recursive: true })
  const others = {
    '@trpc/server': trpcOf,
    '@trpc/client': trpcOf,
    '@types/node': '.',
    '@types/express': 'tests',
    '@hono/node-server': 'tests',
    express: 'tests',
    fastify: 'tests',
    hono: 'tests',
    '@opentelemetry/api': 'tests',
    '@standard-schema/spec': 'packages/server',
    'cluster-key-slot': 'packages/redis',
    ioredis: 'tests',
    react: 'tests',
    '@types/react': 'tests',
    '@tanstack/ai': 'tests',
    '@tanstack/ai-client': 'tests',
    ai: 'tests',
    zod: 'tests',
  }
  for (const [name, from] of Object.entries(others)) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(join(root, from, 'node_modules', name), join(folder, 'node_modules', name))
  }
  cpSync(join(root, 'tests/packaging/consumer.ts'), join(folder, 'consumer.ts'))
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  )
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(consumerConfig))
  return folder
}

const consumerConfig = {
  compilerOptions: {
    target: 'ES2023',
    lib: ['ES2023', 'ESNext.Disposable', 'DOM'],
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    // Check our own declarations, too.
    skipLibCheck: false,
    // The compiler reports types that a declaration can't name only when it writes declarations.
    declaration: true,
    emitDeclarationOnly: true,
    outDir: 'out',
  },
  files: ['consumer.ts'],
}

function run(
  command: string,
  args: readonly string[],
  cwd = root,
  variables: Readonly<Record<string, string>> = {},
): string {
  const env = { ...process.env, ...variables }
  try {
    return execFileSync(command, args, {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error })
  }
}

function tarball(folder: string): string {
  return join(work, `trpc-sse-${folder}.tgz`)
}

/** Whether a problem is one of ECMAScript modules: CommonJS and old resolution aren't supported. */
function isOfEsm(problem: Problem): boolean {
  return !('resolutionKind' in problem && /^(node10|node16-cjs)$/.test(problem.resolutionKind))
}

function unpacked(folder: string): string {
  return join(work, 'unpacked', folder)
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

function filesIn(folder: string, name: RegExp): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return /^(node_modules|\..*)$/.test(entry.name) ? [] : filesIn(path, name)
    return name.test(entry.name) ? [path] : []
  })
}

/** Returns the specifiers of a file's imports and re-exports, including `import('…')` types. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|types=)(['"])([^'"\n]+)\1/g)].flatMap(
    ([, , specifier]) => specifier ?? [],
  )
}
