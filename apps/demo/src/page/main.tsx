import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { startLogChecks } from './live/log-checks.ts'
import { watchForLosses } from './live/recovery.ts'
import { watchTabs } from './live/tabs.ts'
import { applyTheme } from './theme.ts'

applyTheme()
watchTabs()
watchForLosses()
startLogChecks()

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root.')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
