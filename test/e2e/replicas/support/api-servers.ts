import { join } from 'node:path'
import { freePort, startDaemon } from '../../../support/controlplane/daemon.ts'
import type { ControlPlane } from '../../../support/controlplane/start.ts'
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
  const file = (name: string): string => join(directory, name)
  const client = createClient({ server: `https://127.0.0.1:${port}`, caPem, token: adminToken })
  const daemon = await startDaemon(
    directory,
    [
      controlPlane().binaries['kube-apiserver'],
      `--etcd-servers=${etcd}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      `--cert-dir=${directory}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('service-account.pub')}`,
      `--service-account-signing-key-file=${file('service-account.key')}`,
      `--token-auth-file=${file('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
      '--disable-admission-plugins=ServiceAccount',
    ],
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
