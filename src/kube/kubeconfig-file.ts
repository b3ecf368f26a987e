import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { KubeConfig, type User } from '@kubernetes/client-node'
import { load as parseYaml } from 'js-yaml'
import { objectOr, type JsonObject } from '../core/json.ts'
import { withAbsoluteCommand } from './exec-plugin.ts'

/** A kubeconfig, and its users and clusters as they are written: the library leaves out what it does not know. */
export type Loaded = {
  readonly config: KubeConfig
  readonly users: readonly JsonObject[]
  readonly clusters: readonly JsonObject[]
}

/** @throws Error that names the file and, where the mistake is in its YAML, line and column */
export function readKubeconfig(file: string): Loaded {
  const config = new KubeConfig()
  const mistake = attempt(() => config.loadFromFile(file))
  // Without its cause: what the parser says quotes the file, and a token may stand beside the mistake.
  if (mistake !== undefined) throw new Error(`kubeconfig ${file}: ${mistake}`)
  const folder = dirname(file)
  // js-yaml is what client-node has just read this file with, so both readings are alike. `yaml`, which the rest of the program
  // uses, reads some documents otherwise, such as one with `!!binary`, which js-yaml refuses. client-node's own loadYaml knows the models
  // of all of Kubernetes' kinds, 4 MiB that the operator would hold for good.
  const written = objectOr(parseYaml(readFileSync(file, 'utf8')))
  const [users, clusters] = [entriesIn(written['users']), entriesIn(written['clusters'])]
  config.users = config.users.map((user) => {
    const tokenFile = tokenFileOf(user.name, users)
    const exec = withAbsoluteCommand(user.exec, folder)
    return tokenFile === undefined
      ? { ...user, exec }
      : { ...withTokenFile(user, resolve(folder, tokenFile)), exec }
  })
  return { config, users, clusters }
}

function tokenFileOf(name: string, users: readonly JsonObject[]): string | undefined {
  const tokenFile = objectOr(users.find((one) => one['name'] === name)?.['user'])['tokenFile']
  return typeof tokenFile === 'string' && tokenFile !== '' ? tokenFile : undefined
}

/**
 * client-node (2.0.1) passes over `tokenFile`, the name by which client-go reads it. As there, what the file holds comes before a token that
 * stands beside it, and the file is read again each minute.
 */
function withTokenFile({ token: _token, ...user }: User, tokenFile: string): User {
  return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } }
}

const entriesIn = (list: unknown): readonly JsonObject[] => (Array.isArray(list) ? list.map(objectOr) : [])

function attempt(load: () => void): string | undefined {
  try {
    load()
    return undefined
  } catch (error) {
    return mistakeIn(error)
  }
}

/** Line and column of a mistake, and never the text there, which may be a token. */
function mistakeIn(error: unknown): string {
  if (!(error instanceof Error)) return noKubeconfig
  const { line, column } = objectOr(objectOr(error)['mark'])
  if (typeof line === 'number' && typeof column === 'number')
    return `it is not YAML that can be read, at line ${line + 1}, column ${column + 1}`
  const isOfTheFileSystem = 'syscall' in error
  const namesAField = /^(?:clusters|users|contexts)\[\d+\][.a-z]* is missing$/.test(error.message)
  return isOfTheFileSystem || namesAField ? error.message : noKubeconfig
}

const noKubeconfig = 'it is empty, or no kubeconfig'
