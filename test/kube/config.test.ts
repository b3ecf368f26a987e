import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { inspect } from 'node:util'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { loadKubeConfig, namespaceOfPod } from '../../src/kube/config.ts'

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A root with these files where a pod has those of its service account. */
function pod(files: Readonly<Record<string, string>>): string {
  const root = scratch()
  const folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount')
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) write(join(folder, name), content)
  return root
}

beforeEach(() => {
  const names = ['KUBECONFIG', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT']
  for (const name of names) vi.stubEnv(name, undefined)
  vi.stubEnv('HOME', scratch())
  return () => void vi.unstubAllEnvs()
})

const kubeconfig = (context: string, server: string, user: string = 'me') =>
  JSON.stringify({
    clusters: [{ name: `${context}-cluster`, cluster: { server } }],
    users: [{ name: 'me', user: { token: context } }],
    contexts: [
      { name: context, context: { cluster: `${context}-cluster`, user, namespace: `${context}-home` } },
    ],
    'current-context': context,
  })

function write(file: string, content: string): string {
  writeFileSync(file, content)
  return file
}

test('the file that is named is used, and its current context', () => {
  const file = write(join(scratch(), 'a'), kubeconfig('a', 'https://a.example:6443/'))
  vi.stubEnv('KUBECONFIG', '/absent')
  const config = loadKubeConfig({ kubeconfig: file })
  expect(config).toMatchObject({ server: 'https://a.example:6443', namespace: 'a-home' })
  expect(config.credentials.getCurrentUser()?.token).toBe('a')
})

test('of the files of KUBECONFIG absent ones are skipped and the first to name a thing wins', () => {
  const folder = scratch()
  const first = write(join(folder, 'a'), kubeconfig('a', 'https://a.example'))
  const second = write(join(folder, 'b'), kubeconfig('b', 'https://b.example'))
  vi.stubEnv('KUBECONFIG', [join(folder, 'absent'), first, second].join(':'))
  expect(loadKubeConfig().server).toBe('https://a.example')
  const other = loadKubeConfig({ context: 'b' })
  expect(other.server).toBe('https://b.example')
  expect(other.credentials.getCurrentUser()?.token).toBe('a')
})

test('without anything else ~/.kube/config is used', () => {
  const home = scratch()
  vi.stubEnv('HOME', home)
  mkdirSync(join(home, '.kube'))
  write(join(home, '.kube', 'config'), kubeconfig('a', 'https://a.example'))
  expect(loadKubeConfig().server).toBe('https://a.example')
})

test('in a pod the service account comes before KUBECONFIG, unless a file or context is asked for', () => {
  const root = pod({ token: 'pod-token' })
  const file = write(join(root, 'a'), kubeconfig('a', 'https://a.example'))
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1')
  vi.stubEnv('KUBERNETES_SERVICE_PORT', '443')
  vi.stubEnv('KUBECONFIG', file)
  expect(loadKubeConfig({}, root).server).toBe('https://10.0.0.1:443')
  expect(loadKubeConfig({ kubeconfig: file }, root).server).toBe('https://a.example')
  expect(loadKubeConfig({ context: 'a' }, root).server).toBe('https://a.example')
})

test.for([
  ['a file that is absent', undefined, undefined, /no such file/v],
  ['an empty file', '', undefined, /kubeconfig /v],
  ['a file that is no YAML', 'a: [', undefined, /kubeconfig /v],
  ['no current context', '{}', undefined, /it has no current-context/v],
  ['a context that is absent', kubeconfig('a', 'https://a.example'), 'b', /it has no context "b"/v],
  [
    'a cluster that is absent',
    kubeconfig('a', 'https://a.example').replace('"name":"a-cluster"', '"name":"x"'),
    'a',
    /context "a": it has no cluster "a-cluster"/v,
  ],
  [
    'a user that is absent',
    kubeconfig('a', 'https://a.example', 'you'),
    'a',
    /context "a": it has no user "you"/v,
  ],
  [
    'a server that is no URL',
    kubeconfig('a', 'a.example'),
    'a',
    /context "a": the server "a.example" is no URL/v,
  ],
  [
    'a server without a scheme',
    kubeconfig('a', 'localhost:8001'),
    'a',
    /context "a": the server "localhost:8001" is no URL with https:/v,
  ],
] as const)('%s is refused with the name of the file', ([, content, context, reason]) => {
  const file = join(scratch(), 'broken')
  if (content !== undefined) write(file, content)
  const load = () => loadKubeConfig({ kubeconfig: file, context })
  expect(load).toThrow(file)
  expect(load).toThrow(reason)
})

test.for([
  ['indentation', 'users:\n- name: a\n  user:\n    token: hush-hush\n   x: y\n', 'line 5, column 4'],
  ['an alias of nothing', 'token: *hush-hush', 'line 1, column 9'],
  ['a tag', 'token: !!hush-hush x', 'line 1, column 8'],
  ['a list that does not end', '[hush-hush,', 'line 1, column 12'],
  ['a string', 'hush-hush', 'no current-context'],
  ['an entry that is none', 'users: [hush-hush]', 'users[0].name is missing'],
  ['nothing', '', 'it is empty, or no kubeconfig'],
] as const)('a mistake beside a token (%s) is told by its place, never by its text', ([, content, told]) => {
  const file = write(join(scratch(), 'broken'), content)
  const load = (): unknown => {
    try {
      return loadKubeConfig({ kubeconfig: file })
    } catch (error) {
      return error
    }
  }
  const problem = load()
  expect(String(problem)).toContain(told)
  expect(inspect(problem, { depth: 9 })).not.toContain('hush')
})

test('without any configuration the start is refused', () => {
  expect(() => loadKubeConfig()).toThrow('neither KUBECONFIG nor ~/.kube/config is there')
})

test('in a pod the API server is called by https on every port, since a token is sent to it', () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1')
  for (const port of ['443', '80', '8001', '8080']) {
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port)
    expect(loadKubeConfig({}, pod({ token: 'pod-token' })).server).toBe(`https://10.0.0.1:${port}`)
  }
})

test('the namespace of the pod is that of its service account, and there is none outside of a pod', () => {
  expect(namespaceOfPod(scratch())).toBeUndefined()
  expect(namespaceOfPod(pod({ namespace: 'kleym-system\n' }))).toBe('kleym-system')
})

const withUser = (user: object, cluster: object = {}): string =>
  write(
    join(scratch(), 'config'),
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://api.example:6443', ...cluster } }],
      users: [{ name: 'me', user: { token: 't', ...user } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'me' } }],
      'current-context': 'x',
    }),
  )

test('one acts as the user, with the groups, that the kubeconfig names', () => {
  const user = {
    as: 'jane',
    'as-uid': '7',
    'as-groups': ['a', 'b'],
    'as-user-extra': { 'example.org/scope': ['read'] },
  }
  expect(loadKubeConfig({ kubeconfig: withUser(user) }).headers).toEqual({
    'Impersonate-User': 'jane',
    'Impersonate-Uid': '7',
    'Impersonate-Group': ['a', 'b'],
    'Impersonate-Extra-example.org%2Fscope': ['read'],
  })
  expect(loadKubeConfig({ kubeconfig: withUser({}) }).headers).toEqual({})
})

test('of several files the first to name a user says as whom', () => {
  const files = [withUser({ as: 'jane' }), withUser({ as: 'joe', 'as-groups': ['a'] })]
  vi.stubEnv('KUBECONFIG', files.join(':'))
  expect(loadKubeConfig().headers).toEqual({ 'Impersonate-User': 'jane' })
})

test('groups of nobody are refused', () => {
  const file = withUser({ 'as-groups': ['a'] })
  expect(() => loadKubeConfig({ kubeconfig: file })).toThrow(/context "x": .*as-groups.* without as/v)
})

const proxyOf = (file: string) =>
  loadKubeConfig({ kubeconfig: file }).credentials.getCurrentCluster()?.proxyUrl

test('the proxy is that of the kubeconfig, else that of the environment', () => {
  vi.stubEnv('HTTPS_PROXY', 'http://env.example:3128')
  vi.stubEnv('NO_PROXY', '')
  expect(proxyOf(withUser({}))).toBe('http://env.example:3128')
  expect(proxyOf(withUser({}, { 'proxy-url': 'http://own.example' }))).toBe('http://own.example')
  vi.stubEnv('NO_PROXY', 'example')
  expect(proxyOf(withUser({}))).toBeUndefined()
})

/** A kubeconfig whose user has an exec plugin, and whose cluster has all that a plugin may be told. */
function execKubeconfig(folder: string, exec: object): string {
  const ca = write(join(folder, 'ca.crt'), 'a certificate')
  const extensions = [
    { name: 'other', extension: { no: 1 } },
    { name: 'client.authentication.k8s.io/exec', extension: { audience: 'kleym' } },
  ]
  const cluster = {
    server: 'https://a.example',
    'certificate-authority': ca,
    'tls-server-name': 'b.example',
    extensions,
  }
  return write(
    join(folder, 'config'),
    JSON.stringify({
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', ...exec } } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  )
}

test.for([
  ['./bin/plugin', 'bin/plugin'],
  ['../plugin', '../plugin'],
] as const)(
  'the relative command of an exec plugin, %s, is one from the folder of the kubeconfig',
  ([command, path]) => {
    const folder = scratch()
    const { credentials } = loadKubeConfig({ kubeconfig: execKubeconfig(folder, { command }) })
    expect(credentials.getCurrentUser()?.exec).toMatchObject({ command: join(folder, path) })
  },
)

test('a kubeconfig that is named by a relative path has its plugin beside it, not in PATH', () => {
  const file = execKubeconfig(scratch(), { command: './plugin' })
  const { credentials } = loadKubeConfig({ kubeconfig: relative(process.cwd(), file) })
  expect(credentials.getCurrentUser()?.exec).toMatchObject({ command: join(dirname(file), 'plugin') })
})

test.for(['plugin', '/usr/bin/plugin'])('the command %s of an exec plugin is left as it is', (command) => {
  const { credentials } = loadKubeConfig({ kubeconfig: execKubeconfig(scratch(), { command }) })
  expect(credentials.getCurrentUser()?.exec).toMatchObject({ command })
})

const execInfoOf = (exec: object): unknown => {
  const { credentials } = loadKubeConfig({ kubeconfig: execKubeconfig(scratch(), exec) })
  const { env } = credentials.getCurrentUser()?.exec ?? {}
  expect(env.at(-1).name).toBe('KUBERNETES_EXEC_INFO')
  return { others: env.slice(0, -1), info: JSON.parse(env.at(-1).value) }
}

test('an exec plugin is told the version of the API and that nobody is there to ask', () => {
  expect(execInfoOf({ command: 'plugin', env: [{ name: 'AWS_PROFILE', value: 'gpu' }] })).toEqual({
    others: [{ name: 'AWS_PROFILE', value: 'gpu' }],
    info: {
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      spec: { interactive: false },
    },
  })
})

test('an exec plugin that wants to know is told of the cluster', () => {
  expect(execInfoOf({ command: 'plugin', env: null, provideClusterInfo: true })).toMatchObject({
    others: [],
    info: {
      spec: {
        cluster: {
          server: 'https://a.example',
          'tls-server-name': 'b.example',
          'certificate-authority-data': Buffer.from('a certificate').toString('base64'),
          config: { audience: 'kleym' },
        },
      },
    },
  })
})
