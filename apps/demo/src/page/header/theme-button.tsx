import { useStore } from '../live/store.ts'
import { nextTheme, theme } from '../theme.ts'
import { MoonIcon, SunIcon, SystemIcon } from '../ui/icons.tsx'

/** Switches to the next theme. */
export function ThemeButton() {
  const chosen = useStore(theme)
  const Icon = { system: SystemIcon, light: SunIcon, dark: MoonIcon }[chosen]
  const label = `Theme: ${chosen}. Change it.`
  return (
    <button
      type="button"
      className="icon-button"
      onClick={nextTheme}
      aria-label={label}
      title={label}
    >
      <Icon />
    </button>
  )
}
