import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { controlPlaneTools } from './controlplane/binaries.ts'
import { freePort } from './controlplane/daemon.ts'
import { script, scratchDirectory } from './controlplane/scratch.ts'
import { type ControlPlane, startControlPlane } from './controlplane/start.ts'
import { binariesIn } from './go-tools/locate.ts'
import { kubectl } from './kubectl.ts'
import { controlPlane, describeReal, freshNamespace } from './real.ts'

describe('a program that does not start', () => {
  test('is reported with the end of its log, and leaves nothing behind', async () => {
    const scratch = await scratchDirectory()
    const etcd = join(scratch, 'etcd')
    await script(etcd, 'echo "bad flag" >&2; exit 3')
    vi.stubEnv('TMPDIR', scratch)
    onTestFinished(() => void vi.unstubAllEnvs())
    const starting = startControlPlane({ ...binariesIn(scratch, controlPlaneTools), etcd })
    await expect(starting).rejects.toThrow(/etcd ended \(exit code 3\)\nbad flag/)
    expect(await readdir(scratch)).toEqual(['etcd'])
  })
})

describeReal('the control plane', () => {
  test('has every CRD that the operator reads or writes', async () => {
    const { stdout } = await kubectl(['get', 'crds', '-o', 'name'])
    for (const name of [
      'inferencepools.inference.networking.k8s.io',
      'inferencepools.inference.networking.x-k8s.io',
      'inferenceobjectives.inference.networking.x-k8s.io',
      'inferenceobjectives.llm-d.ai',
      'clusterspiffeids.spire.spiffe.io',
    ]) {
      expect(stdout.split('\n')).toContain(`customresourcedefinition.apiextensions.k8s.io/${name}`)
    }
  })

  test('gives a ServiceAccount the permissions that it was granted and no more', async () => {
    const namespace = await freshNamespace('rights')
    const account = `${namespace}:operator`
    for (const args of [
      ['create', 'serviceaccount', 'operator'],
      ['create', 'role', 'reader', '--verb=list', '--resource=configmaps'],
      ['create', 'rolebinding', 'reader', '--role=reader', `--serviceaccount=${account}`],
    ]) {
      expect(await kubectl([...args, '-n', namespace])).toMatchObject({ code: 0 })
    }
    const token = (await kubectl(['create', 'token', 'operator', '-n', namespace])).stdout.trim()
    expect(await kubectl(['get', 'configmaps', '-n', namespace], { token })).toMatchObject({ code: 0 })
    expect(await kubectl(['get', 'configmaps', '-n', 'default'], { token })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`system:serviceaccount:${account}`),
    })
  })

  test('keeps what it stored over a restart, and takes another port when one is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const address = taken.address()
    const ports = [typeof address === 'object' && address ? address.port : 0]
    const plane = await startControlPlane(controlPlane().binaries, {
      pickPort: async () => ports.shift() ?? (await freePort()),
    })
    try {
      const own = { kubeconfig: plane.kubeconfig }
      await kubectl(['create', 'configmap', 'kept', '--from-literal=a=b'], own)
      await plane.restartApiServer()
      expect(await kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'], own)).toMatchObject({
        stdout: 'b',
      })
    } finally {
      await plane.stop()
      taken.close()
    }
    expect(await remainsOf(plane)).toEqual(gone)
  })

  test('ends with the process that started it, even when that is killed', async () => {
    const scratch = await scratchDirectory()
    const parent = spawn(process.execPath, [await starter(scratch)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const line = await firstLine(parent)
    parent.kill('SIGKILL')
    const plane: Remains = JSON.parse(line)
    await vi.waitFor(async () => expect(await remainsOf(plane)).toEqual(gone), { timeout: 20_000 })
  })
})

type Remains = Pick<ControlPlane, 'server' | 'etcd' | 'directory'>

const gone = { server: 'ECONNREFUSED', etcd: 'ECONNREFUSED', directory: 'ENOENT' }

async function remainsOf({ server, etcd, directory }: Remains): Promise<Remains> {
  return {
    server: await connecting(server),
    etcd: await connecting(etcd),
    directory: await codeOr('there', access(directory)),
  }
}

function connecting(url: string): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  return codeOr('there', once(socket, 'connect')).finally(() => socket.destroy())
}

/** The code of the error that an attempt ends in. */
async function codeOr(otherwise: string, attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt
    return otherwise
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

/** A program that starts a control plane, says where it is, and stays. */
async function starter(scratch: string): Promise<string> {
  const path = join(scratch, 'starter.ts')
  await writeFile(
    path,
    `import { startControlPlane } from ${JSON.stringify(join(import.meta.dirname, 'controlplane/start.ts'))}
    const plane = await startControlPlane(${JSON.stringify(controlPlane().binaries)})
    console.log(JSON.stringify(plane))`,
  )
  return path
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const chunk of child.stdout ?? []) return String(chunk)
  throw new Error('no output')
}
