import { describe } from 'vitest'
import { startCaddy } from '../support/caddy.ts'
import { readPage } from '../support/pages.ts'
import { runCasesBehind } from './cases.ts'

const [documented] = readPage('docs/proxies.md').blocks.filter(({ file }) => file === 'Caddyfile')

describe('Caddy as documented', () => {
  runCasesBehind('http', (appUrl, port) =>
    startCaddy(
      (documented?.code ?? '')
        .replace('app.example.com', `http://127.0.0.1:${port}`)
        .replace('127.0.0.1:3000', new URL(appUrl).host),
    ),
  )
})
