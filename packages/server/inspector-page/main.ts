import type { DefinitionRow, InstanceRow } from '../src/inspector/messages.ts'
import { AskError, ask } from './api.ts'
import { button, h, replace } from './dom.ts'
import { fillSelect } from './fields.ts'
import type { Page, View } from './page.ts'
import { channelsView } from './view-channels.ts'
import { instancesView } from './view-instances.ts'
import { publishView } from './view-publish.ts'
import { runsView } from './view-runs.ts'
import { stepsView } from './view-steps.ts'
import { streamsView } from './view-streams.ts'

const titles: Readonly<Record<string, string>> = {
  instances: 'Instances',
  streams: 'Streams',
  channels: 'Channels',
  runs: 'Runs and presence',
  steps: 'Steps',
  publish: 'Publish',
}

const main = find('main')
const notes = find('#notes')
const header = find('header')
const status = h('p', { class: 'status', role: 'status' }, 'Loading…')
const instances = h('select', { 'data-focus': 'instance', onchange: () => page.refresh() })
const pause = button('Pause', 'pause', togglePause, { 'aria-pressed': 'false' })
const nav = h('nav', { 'aria-label': 'Views' })
let definitions: readonly DefinitionRow[] | undefined
let current: View | undefined
let isPaused = false
let isLoading = false
let isAgain = false
let timer: number | undefined

const page: Page = {
  ask: (query) => ask(instances.value, query),
  askOne: (instance, query) => ask(instance, query),
  act(work) {
    work()
      .then((done) => note(done?.message))
      .catch((error: unknown) => note(messageOf(error)))
      .finally(() => page.refresh())
  },
  select(instance) {
    instances.value = instance
  },
  open(name, detail = '') {
    const hash = detail === '' ? `#${name}` : `#${name}/${encodeURIComponent(detail)}`
    if (location.hash === hash) showView()
    else location.hash = hash
  },
  refresh() {
    window.clearTimeout(timer)
    void load(true)
  },
}

const views: Readonly<Record<string, View>> = {
  instances: instancesView(page, showInstances),
  streams: streamsView(page),
  channels: channelsView(page, () => definitions ?? []),
  runs: runsView(page),
  steps: stepsView(page),
  publish: publishView(page, () => definitions ?? []),
}

function find(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector)
  if (!element) throw new Error(`The page has no ${selector}.`)
  return element
}

function showInstances(rows: readonly InstanceRow[]): void {
  fillSelect(
    instances,
    rows.map(({ id }) => id),
    rows.map(({ name }) => name),
  )
}

function showView(): void {
  const [name = '', detail = ''] = location.hash.slice(1).split('/')
  const view = views[name] ?? views.instances
  const shown = view === views[name] ? name : 'instances'
  const links = Object.entries(titles).map(([key, title]) =>
    h(
      'a',
      {
        href: `#${key}`,
        'data-focus': key,
        'aria-current': key === shown ? 'page' : undefined,
      },
      title,
    ),
  )
  replace(nav, ...links)
  document.title = `${titles[shown]} – Inspector`
  if (view !== current && view) replace(main, h('h1', {}, titles[shown]), view.element)
  current = view
  view?.show?.(decodeURIComponent(detail))
  page.refresh()
}

/** Loads the current view, and then again and again. */
async function load(isAsked = false): Promise<void> {
  if (isLoading) {
    isAgain = true
    return
  }
  if ((isPaused || document.hidden) && !isAsked) return
  isLoading = true
  const view = current
  try {
    await prepare()
    await view?.load()
    setStatus(isPaused ? 'paused' : 'live', 'good')
  } catch (error) {
    const isOffline = error instanceof AskError && error.code === 'OFFLINE'
    setStatus(isOffline ? 'offline: trying again' : messageOf(error), 'bad')
  }
  isLoading = false
  if (isAgain) {
    isAgain = false
    return await load(true)
  }
  const { everyMs } = view ?? {}
  const hasFailed = status.dataset.tone === 'bad'
  if (everyMs !== undefined || hasFailed)
    timer = window.setTimeout(() => void load(), everyMs ?? 3_000)
}

/** Learns the instances and definitions, once. */
async function prepare(): Promise<void> {
  if (instances.options.length === 0) {
    const rows = await ask('', { type: 'instances' })
    showInstances(rows)
    instances.value = rows.find(({ isThis }) => isThis)?.id ?? ''
  }
  // A link without channels has no definitions.
  definitions ??= await ask('', { type: 'definitions' }).catch((error: unknown) => {
    if (error instanceof AskError && error.code === 'INVALID_OPTION') return []
    throw error
  })
}

function togglePause(): void {
  isPaused = !isPaused
  pause.setAttribute('aria-pressed', String(isPaused))
  pause.textContent = isPaused ? 'Continue' : 'Pause'
  page.refresh()
}

function setStatus(text: string, tone: 'good' | 'bad'): void {
  if (status.textContent !== text) status.textContent = text
  status.dataset.tone = tone
  main.classList.toggle('stale', tone === 'bad')
}

function note(message: string | undefined): void {
  if (message === undefined) return
  const element = h('p', {}, message)
  notes.append(element)
  window.setTimeout(() => element.remove(), 8_000)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

header.append(
  h('strong', {}, 'Inspector'),
  h('label', { class: 'instance' }, 'Instance', instances),
  pause,
  status,
  nav,
)
find('[data-skip]').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
window.addEventListener('hashchange', showView)
document.addEventListener('visibilitychange', () => !document.hidden && page.refresh())
showView()
