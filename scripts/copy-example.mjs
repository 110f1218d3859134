// `npm run example <name> <folder>`: copies an example out of the workspace, to an app that npm
// installs.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [name = '', folder] = process.argv.slice(2)
const examples = readdirSync(join(root, 'examples')).filter((entry) => !entry.includes('.'))
const sources = Object.fromEntries([
  ...examples.map((entry) => [entry, join(root, 'examples', entry)]),
  ['next', join(root, 'apps/next')],
])
const source = sources[name]

if (source === undefined || folder === undefined) {
  console.error(`Usage: npm run example ${Object.keys(sources).join(' | ')} <folder>`)
  process.exit(2)
}
const target = resolve(process.env.INIT_CWD ?? '.', folder)
if (existsSync(target) && readdirSync(target).length > 0) {
  console.error(`${target} is not empty.`)
  process.exit(2)
}

// Packing replaces `catalog:` and `workspace:` by versions, and leaves out ignored files.
mkdirSync(join(target, 'vendor'), { recursive: true })
unpack(pack(source, 'example'), target)
const manifest = readManifest(target)
const vendored = withWorkspaceDependencies(Object.keys(manifest.dependencies).filter(isOurs))
for (const own of vendored) pack(folderOf(own), basename(own))
const fromVendor = Object.fromEntries(
  vendored.map((own) => [own, `file:vendor/${basename(own)}.tgz`]),
)
Object.assign(manifest, {
  name: basename(target).toLowerCase(),
  dependencies: { ...manifest.dependencies, ...fromVendor },
})
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
writeFileSync(
  join(target, '.gitignore'),
  `node_modules/\n${readIfThere(join(source, '.gitignore'))}`,
)
const readme = join(target, 'README.md')
writeFileSync(readme, withoutLinksOut(readFileSync(readme, 'utf8')))
console.log(`
  ${target} is yours:

    cd ${folder} && npm install

  README.md there says what to run. The packages are in vendor/, as they are not on npm yet.
`)

function isOurs(dependency) {
  return dependency.startsWith('@trpc-sse/')
}

function folderOf(dependency) {
  return join(root, 'packages', basename(dependency))
}

/** Returns these packages of the workspace, and the ones that they depend on. */
function withWorkspaceDependencies(names) {
  const needed = names.flatMap((own) =>
    Object.keys(readManifest(folderOf(own)).dependencies ?? {}).filter(isOurs),
  )
  const all = [...new Set([...names, ...needed])].sort()
  return all.length === names.length ? all : withWorkspaceDependencies(all)
}

function readManifest(from) {
  return JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

/**
 * Replaces links to other folders of the repository by their text, because a copy doesn't have
 * them.
 */
function withoutLinksOut(markdown) {
  return markdown.replace(/\[([^\]]*)\]\((\.\.\/[^)]*)\)/g, (_, text, link) => {
    const path = relative(root, resolve(source, link)).replaceAll('\\', '/')
    return `${text} (${path} of trpc-sse)`
  })
}

/** Packs a package of the workspace; returns the archive. */
function pack(from, as) {
  const archive = join(target, 'vendor', `${as}.tgz`)
  execFileSync('pnpm', ['-C', from, 'pack', '--out', archive], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return archive
}

/** Unpacks an archive into a folder, and removes the archive. */
function unpack(archive, into) {
  execFileSync('tar', ['-xzf', archive, '-C', into, '--strip-components=1'])
  rmSync(archive)
}
