import { execFileSync } from 'node:child_process'

/** The runtime of the measured processes. */
export interface Runtime {
  /** The executable. */
  readonly node: string
  /** Its version, with the `v`. */
  readonly version: string
  /** The file to start for one of the processes: `server`, `clients`, `publisher` or `producer`. */
  file(name: string): string
}

/**
 * Creates the runtime from this Node, or from another one of any version. Another one runs the same
 * code, compiled to plain JavaScript.
 */
export async function createRuntime(node: string | undefined): Promise<Runtime> {
  if (node === undefined) {
    return {
      node: process.execPath,
      version: process.version,
      file: (name) => `${import.meta.dirname}/${name}.ts`,
    }
  }
  const { build } = await import('esbuild')
  const outdir = `${import.meta.dirname}/../results/bundle`
  await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: ['server.ts', 'clients.ts', 'publisher.ts', 'producer.ts'],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Some dependencies are CommonJS modules.
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`,
    },
    outExtension: { '.js': '.mjs' },
    logLevel: 'warning',
  })
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  return { node, version, file: (name) => `${outdir}/${name}.mjs` }
}
