import { pageFolder } from './page-build.ts'

await pageFolder()
