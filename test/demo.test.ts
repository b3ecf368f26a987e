import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { installDefinitions } from './demo/cluster.ts'
import { playStep } from './demo/play.ts'
import { steps } from './demo/steps.ts'
import { runKubectl, type KubectlResult } from './support/controlplane/run-kubectl.ts'
import { createClient } from './support/embedded/client.ts'
import { startEmbedded } from './support/embedded/server.ts'
import { controlPlane, describeReal } from './support/real.ts'

const root = resolve(import.meta.dirname, '..')
const patience = { timeout: 150_000, interval: 50 }

// Seconds on an idle machine; other test files start servers at the same time.
vi.setConfig({ testTimeout: 180_000 })

const quietly = { code: 0, stderr: '' }

type Demo = {
  readonly process: ChildProcess
  readonly stdout: () => string
  /** Resolves once it has printed a text; throws if it ends without. */
  readonly says: (words: string) => Promise<void>
  /** Once it has ended and its output is read. */
  readonly ended: Promise<{ readonly code: unknown; readonly stderr: string }>
  /** What there still is of its files and of its processes, whose command lines name them. */
  readonly remains: () => Promise<readonly string[]>
}

/** The demo as a program, with a directory for temporary files that nobody else uses. */
async function startDemo(...args: readonly string[]): Promise<Demo> {
  const scratch = await mkdtemp(join(tmpdir(), 'demo-test-'))
  const child = spawn(process.execPath, ['test/demo.ts', ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 })
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
  const ended = once(child, 'close').then(([code]: readonly unknown[]) => ({ code, stderr }))
  return {
    process: child,
    stdout: () => stdout,
    says: async (words) => {
      await vi.waitUntil(() => stdout.includes(words) || hasEnded(child), patience)
      if (!stdout.includes(words)) throw new Error(`it ended before it said ${words}\n${stderr}`)
    },
    ended,
    remains: async () => {
      const running = (await commandLines()).filter((line) => line.includes(scratch))
      return [...(await readdir(scratch)), ...running]
    },
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

async function commandLines(): Promise<readonly string[]> {
  return (await text(spawn('ps', ['-ww', '-eo', 'args']).stdout)).split('\n')
}

/** What the demo printed for one example. */
const section = (output: string, file: string): string => {
  const [, after = ''] = output.split(`$ kubectl apply -f examples/${file}\n`)
  return after.split('\n\n')[0] ?? ''
}

/** Without the column AGE, which nobody can foretell. */
const ageless = (output: string): string => output.replaceAll(/ +(?:AGE|\d+m?s)$/gm, '')

/** Without what differs from run to run. */
const comparable = (output: string): readonly string[] =>
  ageless(output)
    .split('\n')
    .filter(
      (line) => !/127\.0\.0\.1|webhook at|^== (An|All)|creationTimestamp:|resourceVersion:|uid:/.test(line),
    )

describe('the demo', () => {
  test('ends by itself with what the examples say, and leaves nothing behind', async () => {
    const demo = await startDemo()
    expect(await demo.ended).toEqual(quietly)
    const output = demo.stdout()
    expect(section(output, 'refused/unsafe-selector.yaml')).toMatch(
      /^The InferenceIdentityBinding "embeddings" is invalid: spec\.poolRef\.name: Invalid value: "embeddings": UnsafeSelector\/InvalidPoolSelector: /m,
    )
    expect(section(output, 'refused/unexpected-container-name.yaml')).toMatch(
      /^The InferenceIdentityBinding "llama-vllm" is invalid: spec\.containerName: Forbidden: RenderFailure\/UnexpectedContainerName: /m,
    )
    expect(section(output, 'refused/identity-collision.yaml')).toMatch(
      /^The InferenceIdentityBinding "chat-batch" is invalid: spec\.containerName: Duplicate value: "vllm": Conflict\/IdentityCollision: identity collision with bindings chat-interactive: /m,
    )
    expect(section(output, 'refused/several-causes.yaml')).toMatch(
      /is invalid: \n\* spec\.poolRef\.name: .*\n\* spec\.serviceAccountName: .*\n\* spec\.containerName: Forbidden: /,
    )
    expect(section(output, 'refused/chart-order')).toMatch(
      /Error from server \(Forbidden\): .*InferenceIdentityBinding summarizer would get no identity: UnsafeSelector\/InvalidPoolSelector: /,
    )
    expect(section(output, 'accepted/pool-missing.yaml')).toMatch(
      /^Warning: .*InvalidRef\/TargetPoolNotFound: .*\ninferenceidentitybinding\.kleym\.sonda\.red\/mistral created$/,
    )
    expect(ageless(output)).toMatch(
      /^llama +PoolOnly +llama +True +Reconciled +spiffe:\/\/inference\.example\/ns\/default\/pool\/llama$/m,
    )
    expect(output).toMatch(/^kind: ClusterSPIFFEID$/m)
    expect(await demo.remains()).toEqual([])
  })

  test('shows every example', async () => {
    const files = await readdir(join(root, 'examples'), { recursive: true })
    // What charts make of their values is for Helm to show, and the tests of the documents apply the rest.
    const manifests = files.filter((file) =>
      /^(?!charts\/|llm-d\/|troubleshooting\/|workload\/).*\.yaml$/.test(file),
    )
    const shown = manifests.filter((file) =>
      steps.some((step) => file === step.file || file.startsWith(`${step.file}/`)),
    )
    expect(shown).toEqual(manifests)
    expect(steps.filter(({ file }) => !files.includes(file))).toEqual([])
  })

  test('says what differs from what an example says', async () => {
    await using servers = new AsyncDisposableStack()
    const embedded = await startEmbedded()
    servers.defer(() => embedded.stop())
    const client = createClient(embedded)
    servers.defer(() => client.close())
    await installDefinitions(client)
    const step = steps.find(({ file }) => file === 'refused/unexpected-container-name.yaml')
    // Without an operator nobody refuses it: the server in memory knows no CEL.
    const surprises = step && (await playStep(client, step, () => {}))
    expect(surprises).toEqual([
      'examples/refused/unexpected-container-name.yaml: InferenceIdentityBinding/llama-vllm\n' +
        '  expected: refused: spec.containerName RenderFailure/UnexpectedContainerName\n' +
        '  happened: created',
    ])
  })

  test('refuses flags that it does not know, each by name', async () => {
    const demo = await startDemo('--sreve', '--real', 'now')
    const { code, stderr } = await demo.ended
    expect(code).toBe(4)
    expect(stderr).toMatch(/^unknown: "--sreve", "now"\n\nUsage: npm run demo/)
  })

  test('leaves nothing behind when it is interrupted halfway', async () => {
    const demo = await startDemo()
    await demo.says('CRD  ')
    demo.process.kill('SIGINT')
    expect(await demo.ended).toEqual({ code: 130, stderr: '' })
    // What was about to start may go a moment later.
    await vi.waitUntil(async () => (await demo.remains()).length === 0, patience)
  })

  test('leaves no operator behind when it is killed', async () => {
    const demo = await startDemo('--serve')
    await demo.says('webhook at')
    const operators = async () => (await demo.remains()).filter((line) => / operator( |$)/.test(line))
    expect(await operators()).not.toEqual([])
    demo.process.kill('SIGKILL')
    await vi.waitUntil(async () => (await operators()).length === 0, patience)
  })
})

const linesOf = (output: string): readonly string[] => output.trimEnd().split('\n')

const kubeconfigIn = (output: string): string => /KUBECONFIG=(\S+)/.exec(output)?.[1] ?? ''

describeReal('the demo beside kubectl', () => {
  test('prints what kubectl prints, serves it, and ends on Ctrl-C without a trace', async () => {
    const demo = await startDemo('--serve')
    await demo.says('Ctrl-C')
    const kubeconfig = kubeconfigIn(demo.stdout())
    const run = (...args: readonly string[]): Promise<KubectlResult> =>
      runKubectl({ ...controlPlane(), kubeconfig }, args)
    const refused = (file: string): Promise<KubectlResult> => run('apply', '-f', join(root, 'examples', file))

    for (const file of ['several-causes', 'unexpected-container-name', 'identity-collision'].map(
      (name) => `refused/${name}.yaml`,
    )) {
      const { code, stdout, stderr } = await refused(file)
      expect(code).toBe(1)
      const said = section(demo.stdout(), file).replace('created', 'unchanged')
      expect(linesOf(stdout + stderr)).toEqual(linesOf(said))
    }
    const got = await run('get', 'inferenceidentitybindings')
    expect(ageless(demo.stdout())).toContain(`$ kubectl get iib\n${ageless(got.stdout)}`)
    const [, name = ''] = /^\$ kubectl get clusterspiffeid (\S+)/m.exec(demo.stdout()) ?? []
    const { stdout: yaml } = await run('get', 'clusterspiffeid', name, '-o', 'yaml')
    expect(demo.stdout()).toContain(`${name} -o yaml\n${yaml}`)

    expect(await run('delete', 'iib', 'mistral')).toMatchObject({ code: 0 })
    const good = await run('apply', '-f', join(root, 'examples/accepted/pool-missing.yaml'))
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(await run('wait', '--for=condition=Ready', '--timeout=30s', 'iib/mistral')).toMatchObject({
      code: 0,
    })

    demo.process.kill('SIGINT')
    expect(await demo.ended).toEqual(quietly)
    expect(await demo.remains()).toEqual([])
  })

  test('reads the same with a real API server', async () => {
    const [small, real] = await Promise.all([startDemo(), startDemo('--real')])
    expect(await Promise.all([small.ended, real.ended])).toEqual([quietly, quietly])
    expect(comparable(small.stdout())).toEqual(comparable(real.stdout()))
    expect(await real.remains()).toEqual([])
  })
})
