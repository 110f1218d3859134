import { type BuildOptions, build } from 'esbuild'

/** Bundles a page's script into HTML. */
export async function bundlePage(entryPoint: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    minify: true,
  })
  return `<!doctype html><link rel="icon" href="data:,"><script type="module">${outputFiles[0]?.text}</script>`
}

/** Bundles a server for any runtime with web standards. */
export async function bundleServer(
  files: Pick<BuildOptions, 'entryPoints' | 'outfile' | 'outdir'>,
): Promise<void> {
  await build({
    ...files,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
  })
}
