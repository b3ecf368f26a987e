import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { type Daemon, freePort, startDaemon } from './daemon.ts'

/** How long one probe may take: if another program has taken the port, it may accept the connection and stay silent. */
const probeMs = 2_000

export type ControlPlane = {
  /** `https://127.0.0.1:<port>`, the same after a restart. */
  readonly server: string
  readonly etcd: string
  readonly caPem: string
  /** The bearer token of a user in the group `system:masters`. */
  readonly adminToken: string
  /** A kubeconfig file of that user. */
  readonly kubeconfig: string
  readonly kubectl: string
  /** Scratch space of this control plane, removed when it stops. */
  readonly directory: string
  /** Ends and starts the API server; what it stored stays. */
  restartApiServer(): Promise<void>
  stop(): Promise<void>
}

export type Options = {
  /** Further flags of kube-apiserver. */
  readonly extraArgs?: readonly string[]
  readonly pickPort?: () => Promise<number>
}

/**
 * Starts etcd and kube-apiserver on loopback, in about three seconds. There are no controllers: nothing
 * collects garbage, and a namespace that is deleted stays Terminating.
 */
export async function startControlPlane(binaries: Binaries, options: Options = {}): Promise<ControlPlane> {
  try {
    return await start(binaries, options)
  } catch (error) {
    // Between picking a port and binding it somebody else can take it.
    if (!String(error).includes('address already in use')) throw error
    return await start(binaries, options)
  }
}

async function start(binaries: Binaries, options: Options): Promise<ControlPlane> {
  const directory = await mkdtemp(join(tmpdir(), 'controlplane-'))
  await using undo = new AsyncDisposableStack()
  undo.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }))
  const pickPort = options.pickPort ?? freePort

  const etcdUrl = `http://127.0.0.1:${await pickPort()}`
  const etcd = await startDaemon(directory, etcdCommand(binaries.etcd, directory, etcdUrl), () =>
    answers(`${etcdUrl}/health`),
  )
  undo.defer(() => etcd.kill())

  const port = await pickPort()
  const server = `https://127.0.0.1:${port}`
  const adminToken = randomBytes(16).toString('hex')
  await writeCredentials(directory, adminToken)
  const command = apiServerCommand(binaries['kube-apiserver'], directory, etcdUrl, port)
  const startApiServer = (): Promise<Daemon> =>
    startDaemon(directory, [...command, ...(options.extraArgs ?? [])], () =>
      isReady(server, directory, adminToken),
    )
  let apiServer = await startApiServer()
  undo.defer(() => apiServer.kill())
  // It may be somebody else's etcd on that port that answered.
  await etcd.mustRun()

  const caPem = await readCa(directory)
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf(server, caPem, adminToken), { mode: 0o600 })
  const running = undo.move()
  return {
    server,
    etcd: etcdUrl,
    caPem,
    adminToken,
    kubeconfig,
    kubectl: binaries.kubectl,
    directory,
    async restartApiServer() {
      // Open watches and requests are cut off, as when the machine is lost. Ending in good order waits for them.
      await apiServer.kill()
      apiServer = await startApiServer()
    },
    stop: () => running.disposeAsync(),
  }
}

function etcdCommand(program: string, directory: string, url: string): [string, ...string[]] {
  return [
    program,
    `--data-dir=${join(directory, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    '--listen-peer-urls=http://127.0.0.1:0',
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}

/** The command line of a kube-apiserver that has the credentials in a control plane's directory. */
export function apiServerCommand(
  program: string,
  directory: string,
  etcd: string,
  port: number,
): [string, ...string[]] {
  const path = (name: string): string => join(directory, name)
  return [
    program,
    `--etcd-servers=${etcd}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    // Without this flag kube-apiserver takes the address of the default route, which a machine without a network lacks.
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--cert-dir=${directory}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${path('service-account.pub')}`,
    `--service-account-signing-key-file=${path('service-account.key')}`,
    `--token-auth-file=${path('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/24',
    // This plugin wants tokens mounted into pods. Only controllers could do that, and none run here.
    '--disable-admission-plugins=ServiceAccount',
  ]
}

async function writeCredentials(directory: string, adminToken: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const files = {
    'service-account.key': privateKey,
    'service-account.pub': publicKey,
    'tokens.csv': `${adminToken},admin,admin,system:masters\n`,
  }
  const writes = Object.entries(files).map(([name, text]) =>
    writeFile(join(directory, name), text, { mode: 0o600 }),
  )
  await Promise.all(writes)
}

/** The API server signs its certificate with an authority of its own, which it appends to the file. */
async function readCa(directory: string): Promise<string> {
  const chain = await readFile(join(directory, 'apiserver.crt'), 'utf8')
  return chain.slice(chain.lastIndexOf('-----BEGIN CERTIFICATE-----'))
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(probeMs) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

async function isReady(server: string, directory: string, token: string): Promise<boolean> {
  try {
    const ca = await readCa(directory)
    return await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` }
      get(
        `${server}/readyz`,
        { ca, agent: false, headers, signal: AbortSignal.timeout(probeMs) },
        (response) => {
          response.resume()
          resolve(response.statusCode === 200)
        },
      ).on('error', reject)
    })
  } catch {
    return false
  }
}

function kubeconfigOf(server: string, caPem: string, token: string): string {
  const ca = Buffer.from(caPem).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin', namespace: 'default' } }],
  })
}
