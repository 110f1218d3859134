import {
  BaseSequencer,
  ForksPoolWorker,
  type PoolOptions,
  type PoolRunnerInitializer,
  type PoolTask,
  type TestSpecification,
  type WorkerRequest,
} from 'vitest/node'
import { sharesProcess } from './shared-process.ts'

/** Options of {@link testProcesses}. */
export interface TestProcessesOptions {
  /** The name of the pool. */
  readonly name: string
  /**
   * The path of the Node that runs the tests.
   *
   * @default the Node that runs vitest
   */
  readonly nodePath?: string
}

/** Creates a pool for a project that has `isolate: false`. */
export function testProcesses({
  name,
  nodePath = process.execPath,
}: TestProcessesOptions): PoolRunnerInitializer {
  return { name, createPoolWorker: (options) => new TestProcess(options, { name, nodePath }) }
}

/**
 * The files that take half a minute or more. Those that need the cores come in turn with those that
 * wait for servers and browsers.
 */
const longest: readonly string[] = [
  'tests/packaging.test.ts',
  'tests/fleet/limits.test.ts',
  'tests/demo.test.ts',
  'tests/examples/ai-chat.test.ts',
  'tests/simulation/simulation.test.ts',
  'tests/runs/kills.test.ts',
  'tests/demo-redis.test.ts',
  'tests/presence/outage.test.ts',
  'tests/demo-people.test.ts',
  'tests/fleet/rolling-restart.test.ts',
  'tests/docs.test.ts',
  'bench/smoke.test.ts',
  'tests/runs/take-over.test.ts',
  'tests/examples/next.test.ts',
  'tests/multiplexed/rollover.test.ts',
  'tests/site/site.test.ts',
  'tests/examples/hono.test.ts',
]

/** Starts files in an order that keeps both cores busy until the end. */
export class TestOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    // After the longest, files of `unit` with separate processes take longer than others. The
    // shortest, which share a process, are last.
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const place = longest.findIndex((path) => moduleId.endsWith(path))
      if (place >= 0) return place - longest.length
      if (sharesProcess(moduleId)) return 2
      return project.name === 'unit' ? 0 : 1
    }
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}

/** Runs one test file, or several that may share a process, one after the other. */
class TestProcess extends ForksPoolWorker {
  override readonly name: string
  readonly #nodePath: string
  #isShared = true

  constructor(options: PoolOptions, { name, nodePath }: Required<TestProcessesOptions>) {
    super(options)
    this.name = name
    this.#nodePath = nodePath
  }

  override async start(): Promise<void> {
    const { execPath } = process
    process.execPath = this.#nodePath
    try {
      // `start` forks before it returns.
      const started = super.start()
      process.execPath = execPath
      await started
    } finally {
      process.execPath = execPath
    }
  }

  override send(request: WorkerRequest): void {
    if ('context' in request && 'files' in request.context)
      this.#isShared = haveSharedProcess(request.context)
    super.send(request)
  }

  canReuse(task: PoolTask): boolean {
    return this.#isShared && haveSharedProcess(task.context)
  }
}

function haveSharedProcess({ files }: PoolTask['context']): boolean {
  return files.every(({ filepath }) => sharesProcess(filepath))
}
