import { freePort, startDaemon } from '../../../support/controlplane/daemon.ts'
import { apiServerCommand, type ControlPlane } from '../../../support/controlplane/start.ts'
import { createClient, type Client } from '../../../support/embedded/client.ts'
import { controlPlane } from '../../../support/real.ts'

export type ApiServer = { readonly client: Client; readonly stop: () => Promise<void> }

/**
 * Another API server of a control plane, with the credentials and certificates of the first. An API server sends all
 * its calls to a webhook over one HTTP/2 connection, and so to one replica: it takes two of them for two replicas to
 * be asked at the same time.
 */
export async function startAnotherApiServer(plane: ControlPlane): Promise<ApiServer> {
  const { directory, etcd, caPem, adminToken } = plane
  const port = await freePort()
  const client = createClient({ server: `https://127.0.0.1:${port}`, caPem, token: adminToken })
  const daemon = await startDaemon(
    directory,
    apiServerCommand(controlPlane().binaries['kube-apiserver'], directory, etcd, port),
    async () => {
      const reply = await client.get('/readyz').catch(() => undefined)
      return reply?.code === 200
    },
  )
  return {
    client,
    stop: async () => {
      await client.close()
      await daemon.kill()
    },
  }
}
