import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisBackend } from '@trpc-sse/redis'
import type { Backend, ChannelLog } from '@trpc-sse/server'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { selfSigned } from './support/certificate.ts'
import { type DocFiles, writeDocFiles } from './support/doc-files.ts'
import { follow } from './support/follower.ts'
import { freePort, type RedisServer, startRedis } from './support/redis.ts'

const log: ChannelLog = { key: 'log', retain: { events: 100, forMs: 600_000 } }

let folder: string
let docs: DocFiles
let server: RedisServer
let url: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'redis-tls-'))
  const { key, cert } = selfSigned()
  await writeFile(join(folder, 'key.pem'), key)
  await writeFile(join(folder, 'cert.pem'), cert)
  const port = await freePort()
  const files = [
    '--tls-cert-file',
    join(folder, 'cert.pem'),
    '--tls-key-file',
    join(folder, 'key.pem'),
  ]
  const args = [
    '--tls-port',
    `${port}`,
    '--tls-ca-cert-file',
    join(folder, 'cert.pem'),
    '--tls-auth-clients',
    'no',
  ]
  server = await startRedis({ args: [...args, ...files] })
  url = `rediss://localhost:${port}`
  docs = writeDocFiles('docs/redis.md', 'redis-tls')
})

afterAll(async () => {
  docs[Symbol.dispose]()
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function expectToWork(backend: Backend): Promise<void> {
  const follower = await follow(backend, log)
  const { ids } = await backend.append(log, ['1'])
  await follower.reached(ids[0] ?? '')
  await backend.close()
}

it('trusts a private CA as configured in docs/redis.md', async () => {
  vi.stubEnv('REDIS_URL', url)
  vi.stubEnv('REDIS_CA', join(folder, 'cert.pem'))
  const { backend } = (await import(docs.path('tls.ts'))) as { readonly backend: Backend }
  vi.unstubAllEnvs()
  await expectToWork(backend)
})

it('logs in by credentials() over TLS', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const credentials = vi.fn(() => ({ password: 'secret' }))
  await server.admin.call('acl', 'setuser', 'default', '>secret')
  await expectToWork(redisBackend({ url }, { credentials }))
  await server.admin.call('acl', 'setuser', 'default', 'nopass')
  vi.unstubAllEnvs()
  warn.mockRestore()
  expect(credentials).toHaveBeenCalledTimes(2)
})

it('refuses a private CA by default, and gives the reason', async () => {
  const backend = redisBackend({ url }, { commandTimeoutMs: 300, onError() {} })
  await expect(backend.append(log, ['1'])).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    cause: { message: expect.stringMatching(/self.signed/) },
  })
  await backend.close()
})
