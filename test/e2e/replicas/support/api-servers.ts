import { freePort, startDaemon } from '../../../support/controlplane/daemon.ts'
import { apiServerCommand, type ControlPlane } from '../../../support/controlplane/start.ts'
import { createClient, type Client } from '../../../support/embedded/client.ts'
import { controlPlane } from '../../../support/real.ts'

export type ApiServer = { readonly client: Client; readonly stop: () => Promise<void> }

/**
 * Another API server of a control plane, with the credentials and certificates of the first: each has connections of
 * its own, and clients of a cluster are led to any of them.
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
