import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BatchOptions, Totals } from './batch.ts'

/** Seeds that a process runs. */
export interface Task extends BatchOptions {
  /** The bug that is planted. */
  readonly plant?: string
}

/** What became of a task. */
export interface Done {
  readonly totals: Totals
  readonly failed: ReadonlyArray<{ readonly seed: number; readonly text: string }>
  /** How long processors have worked for it, in milliseconds. */
  readonly cpuMs: number
}

/**
 * Runs tasks in several processes, and calls back with what became of each, in the order of the
 * tasks. Starts no more of them once the callback returns `false`.
 */
export async function runTasks(
  tasks: readonly Task[],
  workers: number,
  onDone: (done: Done, task: Task) => boolean,
): Promise<void> {
  const running: Array<Promise<Done> | undefined> = []
  const idle = Array.from({ length: Math.min(workers, tasks.length) }, startWorker)
  const all = [...idle]
  const startNext = (): void => {
    const task = tasks[running.length]
    const worker = task && idle.pop()
    if (!worker) return
    const done = run(worker, task).finally(() => {
      idle.push(worker)
      startNext()
    })
    // Its failure is met in its turn.
    done.catch(() => {})
    running.push(done)
  }
  for (const _ of all) startNext()
  try {
    for (const [i, task] of tasks.entries()) {
      const done = await running[i]
      if (!done || !onDone(done, task)) return
    }
  } finally {
    for (const worker of all) worker.kill()
  }
}

// A world makes about 4 MB of garbage. With more room for it, there is less to copy. The code that
// runs is wide, so that most of it would not be compiled for long.
const nodeArgs = [
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
  '--invocation-count-for-maglev=100',
]

function startWorker(): ChildProcess {
  return fork(join(import.meta.dirname, 'worker.ts'), {
    execArgv: nodeArgs,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

async function run(worker: ChildProcess, task: Task): Promise<Done> {
  const over = new AbortController()
  const { signal } = over
  const ended = once(worker, 'exit', { signal }).then(() => {
    throw new Error(`The process for the seeds from ${task.from} has ended.`)
  })
  worker.send(task)
  try {
    return await Promise.race([once(worker, 'message', { signal }).then(doneOf), ended])
  } finally {
    // Nobody waits any more for the one that didn't happen.
    ended.catch(() => {})
    over.abort()
  }
}

function doneOf([done]: unknown[]): Done {
  return done as Done
}
