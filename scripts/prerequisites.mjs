// Finds the stores, proxies and browsers that the tests run against. Installs missing ones if
// allowed.

import { execFileSync, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** The programs that `npm test` runs against. */
export const testPrograms = [
  { variable: 'REDIS_SERVER_BIN', names: ['redis-server'], packages: ['redis-server'] },
  { variable: 'NGINX_BIN', names: ['nginx'], packages: ['nginx'] },
  { variable: 'CADDY_BIN', names: ['caddy'], packages: ['caddy'] },
  {
    variable: 'CHROMIUM_BIN',
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    packages: ['chromium'],
  },
  { variable: 'POSTGRES_BIN', names: ['postgres'], packages: ['postgresql'] },
  {
    variable: 'VALKEY_SERVER_BIN',
    names: ['valkey-server'],
    packages: ['valkey-server'],
    isOptional: true,
  },
]

/** The programs that `npm run test:browsers` runs against. */
export const browserPrograms = [
  { variable: 'FIREFOX_BIN', names: ['firefox-esr', 'firefox'], packages: ['firefox-esr'] },
  { variable: 'WEBKIT_DRIVER_BIN', names: ['WebKitWebDriver'], packages: ['webkit2gtk-driver'] },
  { variable: 'XVFB_BIN', names: ['Xvfb'], packages: ['xvfb'] },
]

/**
 * Returns the environment variables that contain the programs' paths. If a required program can't
 * be installed, throws an error that says what to do. Without an optional program, its tests are
 * skipped.
 *
 * @returns {Record<string, string>}
 */
export function prerequisites(programs) {
  const missing = programs.filter((program) => !find(program))
  const needed = missing.filter(({ isOptional }) => !isOptional)
  if (needed.length > 0) install(needed)
  for (const program of missing) if (program.isOptional) installOptional(program)
  const found = programs.map((program) => [program.variable, find(program)])
  return Object.fromEntries(found.filter(([, path]) => path !== undefined))
}

/** Returns the path in the variable, or that of the first of these names on PATH. */
function find({ variable, names }) {
  const given = process.env[variable]
  if (given) {
    if (!isExecutable(given))
      throw new Error(`${variable}=${given} is not an executable file. Correct or unset it.`)
    return given
  }
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/bin',
    '/usr/sbin',
    '/usr/local/bin',
    ...postgresFolders(),
  ]
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

/**
 * Returns the folders of Debian's PostgreSQL servers, which aren't on PATH, newest version first.
 */
function postgresFolders() {
  const folder = '/usr/lib/postgresql'
  const versions = existsSync(folder) ? readdirSync(folder) : []
  return versions.sort((a, b) => b - a).map((version) => join(folder, version, 'bin'))
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function install(missing) {
  const packages = missing.flatMap((program) => program.packages)
  const hint = `Install ${packages.join(' and ')}, or point ${missing.map((p) => p.variable).join(' and ')} at them.`
  if (!rootPrefix()) throw new Error(`The tests need ${packages.join(' and ')}. ${hint}`)
  console.log(`Installing ${packages.join(' and ')} ...`)
  apt(['update', '-qq'])
  if (!apt([...installArguments, ...packages]) || missing.some((program) => !find(program))) {
    throw new Error(`apt-get could not install ${packages.join(' and ')}. ${hint}`)
  }
}

/**
 * Installs a program from the distribution or from its backports. Backports are added for this
 * command only; the machine's sources don't change.
 */
function installOptional(program) {
  const names = program.packages.join(' and ')
  if (rootPrefix()) {
    console.log(`Installing ${names} ...`)
    if (
      apt(['update', '-qq']) &&
      apt([...installArguments, ...program.packages], { quiet: true }) &&
      find(program)
    )
      return
    withBackports((options, suite) => {
      apt([...options, 'update', '-qq']) &&
        apt([...options, ...installArguments, '-t', suite, ...program.packages])
    })
  }
  if (find(program)) return
  console.log(
    `NOTICE: no ${names} here, so the tests on it are skipped. Install it, or set ${program.variable}.`,
  )
}

const installArguments = ['install', '-y', '-qq', '--no-install-recommends']

/** Runs apt-get as root. RUNLEVEL=1 keeps an installed server from being started. */
function apt(args, { quiet = false } = {}) {
  const environment = ['RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive']
  const command = [
    ...rootPrefix(),
    'env',
    ...environment,
    'apt-get',
    '-o',
    'DPkg::Lock::Timeout=300',
    ...args,
  ]
  const stdio = ['ignore', 'ignore', quiet ? 'ignore' : 'inherit']
  return spawnSync(command[0], command.slice(1), { stdio }).status === 0
}

/**
 * Returns the command prefix that runs a command as root; `undefined` if there is none, or no
 * apt-get.
 */
function rootPrefix() {
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined
  if (process.getuid?.() === 0) return []
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined
}

/** Calls `use` with apt options that add the backports of this machine's Debian source. */
function withBackports(use) {
  const stanza = debianStanza()
  if (!stanza) return
  const suite = `${stanza.codename}-backports`
  const folder = mkdtempSync(join(tmpdir(), 'apt-sources-'))
  try {
    const parts = join(folder, 'parts')
    if (existsSync('/etc/apt/sources.list.d'))
      cpSync('/etc/apt/sources.list.d', parts, { recursive: true })
    else mkdirSync(parts)
    writeFileSync(join(parts, `${suite}.${stanza.extension}`), stanza.text)
    // apt reads its sources as another user.
    execFileSync('chmod', ['-R', 'a+rX', folder])
    use(['-o', `Dir::Etc::SourceParts=${parts}`], suite)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Returns this machine's source of Debian's main suite, with the suite replaced by its backports.
 */
function debianStanza() {
  if (!existsSync('/etc/debian_version') || !existsSync('/etc/os-release')) return undefined
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  if (!codename) return undefined
  const folder = '/etc/apt/sources.list.d'
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  for (const file of ['/etc/apt/sources.list', ...files].filter((path) => existsSync(path))) {
    const extension = file.endsWith('.sources') ? 'sources' : 'list'
    const text = (extension === 'sources' ? deb822Stanza : oneLineSource)(
      readFileSync(file, 'utf8'),
      codename,
    )
    if (text) return { codename, extension, text }
  }
  return undefined
}

function deb822Stanza(text, codename) {
  const suites = new RegExp(`^Suites:.*\\b${codename}(\\s.*)?$`, 'm')
  const stanza = text
    .split(/\n\s*\n/)
    .find((part) => /^Types:.*\bdeb\b/m.test(part) && suites.test(part))
  return stanza && `${stanza.replace(suites, `Suites: ${codename}-backports`)}\n`
}

function oneLineSource(text, codename) {
  const line = text
    .split('\n')
    .find((part) => new RegExp(`^deb\\s.*\\s${codename}\\s+.*\\bmain\\b`).test(part))
  return line && `${line.replace(new RegExp(`\\s${codename}\\s`), ` ${codename}-backports `)}\n`
}
