import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { readTypeFlow } from '../apps/demo/src/build/type-flow.ts'
import type { CodeLines } from '../apps/demo/src/page/type-flow/code.ts'

const repository = join(import.meta.dirname, '..')
const run = promisify(execFile)

/** A copy of the demo whose files a test may change. */
interface Copy {
  readonly root: string
  replace(file: string, before: string, after: string): Promise<void>
}

const it = test.extend<{ readonly copy: Copy }>({
  copy: async ({ task: _ }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'demo-copy-'))
    const root = join(folder, 'apps/demo')
    await cp(join(repository, 'apps/demo/src'), join(root, 'src'), { recursive: true })
    for (const file of [
      'apps/demo/package.json',
      'apps/demo/tsconfig.json',
      'apps/demo/vite.config.ts',
      'tsconfig.base.json',
    ])
      await cp(join(repository, file), join(folder, file))
    for (const modules of ['node_modules', 'apps/demo/node_modules'])
      await symlink(join(repository, modules), join(folder, modules))
    await use({
      root,
      async replace(file, before, after) {
        const text = await readFile(join(root, file), 'utf8')
        expect(text).toContain(before)
        await writeFile(join(root, file), text.replace(before, after))
      },
    })
    await rm(folder, { recursive: true })
  },
})

const textOf = (lines: CodeLines): string =>
  lines.map((line) => line.map(({ text }) => text).join('')).join('\n')

it('shows excerpts of the source, and the type that the compiler infers from the channel', async ({
  copy,
}) => {
  const { channel, procedure, component, expression, type } = await readTypeFlow(copy.root)
  expect(textOf(channel.lines)).toMatch(/^chat: channel\({\n[\s\S]*\n}\),$/)
  expect(textOf(procedure.lines)).toMatch(/^onMessage: procedure[\s\S]*\n}\),$/)
  expect(textOf(component.lines)).toMatch(/^export function MessageRow[\s\S]*\n}$/)
  expect(textOf(component.lines)).toContain(`= ${expression}\n`)
  for (const { file, firstLine, lines } of [channel, procedure, component]) {
    const source = (await readFile(join(copy.root, file), 'utf8')).split('\n')
    const first = textOf(lines.slice(0, 1))
    expect(source[firstLine - 1]?.trim()).toBe(first)
  }
  expect(textOf(type.lines)).toBe(type.source)

  // A second opinion: `tsc` itself accepts the shown type as equal to that of the component.
  await copy.replace(
    component.file,
    `= ${expression}\n`,
    `= ${expression}\n  type Shown = ${type.source}\n  const shown: Same<Shown, typeof ${expression}> = true\n  void shown\n`,
  )
  await writeFile(join(copy.root, 'src/same.d.ts'), same)
  expect(await typeErrors(copy, ['src/same.d.ts', component.file])).toBe('')
})

it('shows a field that is added to the channel', async ({ copy }) => {
  await copy.replace('src/server/channels.ts', '        sentAt: z.date(),\n', `${addedField}\n`)
  const { channel, type } = await readTypeFlow(copy.root)
  expect(textOf(channel.lines)).toContain('mood: z.enum')
  expect(type.source).toMatch(/mood: "happy" \| "sad";/)
})

it('fails the build if an excerpt or its expression is missing', async ({ copy }) => {
  await copy.replace('src/page/chat/chat-message.tsx', '= event.data\n', '= (event).data\n')
  await expect(readTypeFlow(copy.root)).rejects.toThrow('the excerpt has no event.data')
  await copy.replace('src/server/chat.ts', '#region procedure', '#region renamed')
  await expect(readTypeFlow(copy.root)).rejects.toThrow(
    'src/server/chat.ts must have one region "procedure"',
  )
})

const addedField = `        sentAt: z.date(),
        mood: z.enum(['happy', 'sad']),`

const same = `type Same<TOne, TOther> =
  (<T>() => T extends TOne ? 1 : 2) extends <T>() => T extends TOther ? 1 : 2 ? true : false\n`

/** Returns what `tsc` prints about some files of the copy. */
async function typeErrors({ root }: Copy, files: readonly string[]): Promise<string> {
  const config = join(root, 'tsconfig.some.json')
  await writeFile(config, JSON.stringify({ extends: './tsconfig.json', include: [], files }))
  const tsc = join(repository, 'node_modules/typescript/bin/tsc')
  try {
    await run(process.execPath, [tsc, '-p', config])
    return ''
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
  }
}
