// `npm run demo`, `npm run example`, `npm run docs`, `npm test`, `npm run fuzz`, `npm run simulate`,
// `npm run soak`, `npm run test:browsers` and `npm run bench`, from a fresh clone: needs Node 18 and
// npm, and gets the rest itself.

import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { browserPrograms, prerequisites, testPrograms } from './prerequisites.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const environment = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
const pnpm = findPnpm()

const tasks = {
  async demo() {
    // Don't install packages that only tests need: browser drivers and runtimes take hundreds of
    // megabytes.
    await step('install', '--filter', '@trpc-sse/demo...')
    await step('--filter', '@trpc-sse/demo', 'start')
  },
  async example() {
    await step('install')
    await step('exec', 'turbo', 'run', 'build', '--filter=./packages/*')
    await step('exec', 'node', 'scripts/copy-example.mjs', ...process.argv.slice(3))
  },
  async docs() {
    await step('install', '--filter', '@trpc-sse/docs')
    await step('--filter', '@trpc-sse/docs', 'dev')
  },
  async test() {
    Object.assign(environment, prerequisites(testPrograms))
    await step('install')
    // The linter leaves a core idle, most of the time.
    await Promise.all([
      step('run', 'lint'),
      step('run', 'build').then(() => step('run', 'typecheck')),
    ])
    await step('exec', 'vitest', 'run', ...process.argv.slice(3))
  },
  async fuzz() {
    const { minutes = '1', seed = String(Date.now() % 1_000_000) } = parseArgs({
      args: process.argv.slice(3),
      options: { minutes: { type: 'string' }, seed: { type: 'string' } },
    }).values
    Object.assign(environment, { FUZZ_MINUTES: minutes, FUZZ_SEED: seed })
    await step('install')
    const oneAtATime = ['--maxWorkers', '1', '--isolate']
    await step('exec', 'vitest', 'run', '--project', 'unit', ...oneAtATime, 'tests/fuzz')
  },
  async simulate() {
    await step('install')
    await step('exec', 'node', 'tests/simulation/main.ts', ...process.argv.slice(3))
  },
  async soak() {
    Object.assign(environment, prerequisites(testPrograms))
    await step('install')
    await step('exec', 'node', 'tests/soak/main.ts', ...process.argv.slice(3))
  },
  async 'test:browsers'() {
    Object.assign(environment, prerequisites(browserPrograms))
    await step('install')
    await step('exec', 'vitest', 'run', '--project', 'browsers', ...process.argv.slice(3))
  },
  async bench() {
    Object.assign(environment, prerequisites(testPrograms))
    await step('install')
    await step('run', 'build')
    await step('--filter', '@trpc-sse/bench', 'bench', ...process.argv.slice(3))
  },
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal))
process.on('exit', () => stop('SIGTERM'))

// npm passes a signal only to its shell, and a killed npm passes on nothing. So stop when either of
// the two is gone.
const parents = ancestry()
setInterval(() => ancestry() !== parents && stop('SIGTERM'), 500).unref()

const task = tasks[process.argv[2]]
if (!task) {
  console.error(`Usage: node scripts/run.mjs ${Object.keys(tasks).join(' | ')}`)
  process.exit(2)
}
try {
  await task()
} catch (error) {
  console.error(error.message)
  process.exit(error.exitCode ?? 1)
}

/** The pnpm 12 on PATH, or the pinned one through npx. */
function findPnpm() {
  const { stdout } = spawnSync('pnpm', ['--version'], { cwd: root, encoding: 'utf8' })
  return stdout?.startsWith('12.') ? ['pnpm'] : ['npx', '-y', 'pnpm@12.21.0']
}

/**
 * Runs pnpm with these arguments in a separate process group, so that `stop` reaches all its
 * processes.
 */
function step(...args) {
  const [command, ...rest] = [...pnpm, ...args]
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    })
    running.add(child)
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      running.delete(child)
      if (code === 0) return resolve(undefined)
      const message = `pnpm ${args.join(' ')} ${signal ? `was stopped by ${signal}` : 'failed'}`
      reject(Object.assign(new Error(message), { exitCode: code ?? 1 }))
    })
  })
}

/**
 * Returns the ids of this process's parent (npm's shell) and, if /proc exists, of its parent (npm).
 */
function ancestry() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    // The format is "pid (name) state ppid …", and a name may contain blanks and parentheses.
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}`
  } catch {
    return `${process.ppid}`
  }
}

function stop(signal) {
  for (const { pid } of running) {
    try {
      if (pid) process.kill(-pid, signal)
    } catch {
      // The process has just ended.
    }
  }
}
