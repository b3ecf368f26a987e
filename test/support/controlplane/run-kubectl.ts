import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export type Kubectl = {
  readonly kubectl: string
  readonly kubeconfig: string
  /** Its caches go here. */
  readonly directory: string
}

export type KubectlOptions = {
  /** What `-f -` reads. */
  readonly input?: string
  readonly kubeconfig?: string
  /** Instead of the kubeconfig's own credentials. */
  readonly token?: string
}

/** `code` is kubectl's exit code, 1 for most failures; a kubectl that a signal ended has 1 too. */
export type KubectlResult = { readonly code: number; readonly stdout: string; readonly stderr: string }

export async function runKubectl(
  plane: Kubectl,
  args: readonly string[],
  { input = '', kubeconfig = plane.kubeconfig, token }: KubectlOptions = {},
): Promise<KubectlResult> {
  const credentials = token === undefined ? [] : [`--token=${token}`]
  const child = spawn(plane.kubectl, [...args, ...credentials], {
    env: { PATH: process.env['PATH'], HOME: join(plane.directory, 'home'), KUBECONFIG: kubeconfig },
    stdio: 'pipe',
  })
  // A kubectl that fails early does not read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { code: typeof code === 'number' ? code : 1, stdout, stderr }
}
