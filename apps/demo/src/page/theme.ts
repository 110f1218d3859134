import { createStore } from './live/store.ts'

const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const kept = localStorage.getItem('theme')

/** The theme that was chosen. */
export const theme = createStore<Theme>(themes.find((each) => each === kept) ?? 'system')

/** Shows the chosen theme, now and whenever it changes. */
export function applyTheme(): void {
  const apply = (): void => {
    // All colours are written with light-dark(): this alone decides.
    document.documentElement.style.colorScheme =
      theme.get() === 'system' ? 'light dark' : theme.get()
  }
  apply()
  theme.subscribe(apply)
}

/** Goes on to the next theme, and keeps it for the next visit. */
export function nextTheme(): void {
  const chosen = themes[(themes.indexOf(theme.get()) + 1) % themes.length] ?? 'system'
  localStorage.setItem('theme', chosen)
  theme.set(chosen)
}
