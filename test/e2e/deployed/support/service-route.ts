import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type ServiceRoute = {
  /** Flags of kube-apiserver. */
  readonly flags: readonly string[]
  /** From now on calls of any Service go to the host and port of this URL. */
  readonly leadTo: (url: string) => void
  /** The cluster address, with its port, of every Service that was called. */
  readonly called: ReadonlySet<string>
  readonly stop: () => Promise<void>
}

/**
 * What the API server sends to a Service, led to a process on loopback: nothing here makes a cluster address lead
 * anywhere. The API server resolves the Service itself and then asks this egress proxy for a connection, as it does
 * where its own network and that of the pods are apart.
 */
export async function openServiceRoute(): Promise<ServiceRoute> {
  const directory = await mkdtemp(join(tmpdir(), 'route-'))
  const [socket, configuration] = [join(directory, 'socket'), join(directory, 'egress')]
  const called = new Set<string>()
  const open = new Set<Socket>()
  let destination: URL | undefined
  const server = createServer().on('connect', ({ url }, inbound, head) => {
    called.add(url ?? '')
    const outbound = connect(Number(destination?.port), destination?.hostname)
    for (const [one, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      if (one instanceof Socket) open.add(one)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
    outbound.on('connect', () => {
      inbound.write('HTTP/1.1 200 OK\r\n\r\n')
      outbound.write(head)
      inbound.pipe(outbound).pipe(inbound)
    })
  })
  await once(server.listen(socket), 'listening')
  await writeFile(configuration, JSON.stringify(egressTo(socket)))
  return {
    flags: [`--egress-selector-config-file=${configuration}`],
    leadTo: (url) => (destination = new URL(url)),
    called,
    stop: async () => {
      server.close()
      for (const one of open) one.destroy()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const egressTo = (udsName: string) => ({
  apiVersion: 'apiserver.k8s.io/v1beta1',
  kind: 'EgressSelectorConfiguration',
  egressSelections: [
    {
      name: 'cluster',
      connection: { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName } } },
    },
  ],
})
