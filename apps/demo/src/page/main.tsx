import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { checkNowAndThen } from './live/checks.ts'
import { watchHealth } from './live/health.ts'
import { watchLoad } from './live/load.ts'
import { watchForLosses } from './live/recovery.ts'
import { applyTheme } from './theme.ts'

applyTheme()
watchHealth()
watchLoad()
watchForLosses()
checkNowAndThen()

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root.')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
