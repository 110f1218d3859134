import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { startLogChecks } from './live/log-checks.ts'
import { watchForLosses } from './live/recovery.ts'
import { watchTabs } from './live/tabs.ts'
import { watchSession } from './session/session.ts'
import { signInNewVisitor } from './session/sign-in.ts'
import { applyTheme } from './theme.ts'

applyTheme()
watchTabs()
watchSession()
watchForLosses()
startLogChecks()

await signInNewVisitor().catch(() => {
  // The page shows the form to sign in.
})

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root.')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

if (import.meta.env.DEV) {
  const { showDevPanel } = await import('./dev-panel.tsx')
  showDevPanel()
}
