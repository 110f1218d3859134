/**
 * `pnpm --filter @trpc-sse/bench document`: writes the kept results into docs/, and draws their
 * chart.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { chartFile, pageFiles, readKept } from './kept.ts'
import { drawPage, fillPage } from './performance-page.ts'

const results = readKept()
for (const file of pageFiles) writeFileSync(file, fillPage(readFileSync(file, 'utf8'), results))
writeFileSync(chartFile, drawPage(results))
