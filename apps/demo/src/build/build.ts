import { pageFolder } from './page-folder.ts'

await pageFolder()
