import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './program.ts'

/**
 * Starts nginx in a separate folder, configured as by Debian's package, with the given content of
 * its `http` block.
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
  // When it logs its event method, its sockets are open.
  await nginx.says(/event method/)
  return {
    async [Symbol.asyncDispose]() {
      await nginx.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * The settings of Debian's `nginx.conf`, except for paths, and with a single process, so that one
 * kill ends it.
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
