import { createStore } from './live/store.ts'

const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const stored = localStorage.getItem('theme')

/** The chosen theme. */
export const theme = createStore<Theme>(themes.find((each) => each === stored) ?? 'system')

/** Applies the chosen theme, now and on each change. */
export function applyTheme(): void {
  const apply = (): void => {
    // All colours use light-dark(), so this property alone decides.
    document.documentElement.style.colorScheme =
      theme.get() === 'system' ? 'light dark' : theme.get()
  }
  apply()
  theme.subscribe(apply)
}

/** Switches to the next theme, and stores it for the next visit. */
export function nextTheme(): void {
  const chosen = themes[(themes.indexOf(theme.get()) + 1) % themes.length] ?? 'system'
  localStorage.setItem('theme', chosen)
  theme.set(chosen)
}
