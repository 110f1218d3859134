import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './program.ts'

/**
 * Starts nginx with what is in its `http` block, as Debian's package sets it up, in a folder of its
 * own.
 */
export async function startNginx(
  httpBlock: string | ((folder: string) => Promise<string>),
): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
  const block = typeof httpBlock === 'string' ? httpBlock : await httpBlock(folder)
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, block))
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
  const nginx = startProgram(process.env.NGINX_BIN || '/usr/sbin/nginx', args, {
    readsErrors: true,
  })
  // Its sockets are open when it says how it will wait for events.
  await nginx.says(/event method/)
  return {
    async [Symbol.asyncDispose]() {
      await nginx.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * The settings of Debian's `nginx.conf`, but for where files lie, and one process, so that killing
 * it is the end of it.
 */
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
