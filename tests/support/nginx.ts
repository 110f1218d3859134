import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An nginx of one test's own. */
export interface Nginx extends AsyncDisposable {
  /** Where it keeps its files. */
  readonly folder: string
}

/** Starts nginx with what is in its `http` block, as Debian's package sets it up, in a folder of its own. */
export async function startNginx(httpBlock: string | ((folder: string) => Promise<string>)): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
  const block = typeof httpBlock === 'string' ? httpBlock : await httpBlock(folder)
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, block))
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
  const nginx = spawn(process.env.NGINX_BIN || '/usr/sbin/nginx', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // A test that dies must not leave it behind.
  const kill = (): void => void nginx.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(nginx, 'exit').then(() => process.off('exit', kill))
  await listening(nginx)
  return {
    folder,
    async [Symbol.asyncDispose]() {
      kill()
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The settings of Debian's `nginx.conf`, but for where files lie, and one process, so that killing it is the end of it. */
function configuration(folder: string, httpBlock: string): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log off;
  gzip on;
  ${paths.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  ${httpBlock}
}
`
}

/** Its sockets are open when it says how it will wait for events. */
function listening({ stderr }: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    stderr?.on('data', (chunk: Buffer) => {
      said += chunk
      if (said.includes('event method')) resolve()
    })
    stderr?.once('close', () => reject(new Error(`nginx ended: ${said}`)))
  })
}
