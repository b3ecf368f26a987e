import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkOptions } from '../../src/cli/check-options.ts'
import { check, type CheckReach } from '../../src/cli/check.ts'
import { itemsOf, objectsOf, type Item, type Manifest as Given } from '../../src/cli/manifests.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { allResources } from '../../src/core/resources.ts'
import { usage, type CommandResult } from '../../src/result.ts'
import { knownDefinitions } from '../../src/schema/kinds.ts'
import { resourceOf, type Manifest, type Settled } from '../support/vectors.ts'

/** What `kleym check -o json` promises. */
export type CheckedBinding = {
  readonly namespace: string
  readonly name: string
  readonly mode: unknown
  readonly verdict: 'allow' | 'warn' | 'deny'
  readonly findings: readonly {
    readonly condition: string
    readonly reason: string
    readonly action: 'deny' | 'warn' | 'ignore'
    readonly field: string
    readonly value: unknown
    readonly message: string
  }[]
  readonly status: JsonObject & {
    readonly conditions: readonly {
      readonly type: string
      readonly status: string
      readonly reason: string
      readonly message: string
    }[]
  }
  readonly clusterSPIFFEID: { readonly metadata: JsonObject; readonly spec: JsonObject } | null
}

const now = new Date('2026-01-01T12:00:00Z')

/** The command without a process around it: `stdin` is what `-f -` reads. */
export async function checked(
  argv: readonly string[],
  stdin = '',
  reach: Partial<CheckReach> = {},
  env: Readonly<Record<string, string>> = { KLEYM_TRUST_DOMAIN: 'example.org' },
): Promise<CommandResult> {
  const command = checkOptions(argv, env)
  if (command.kind === 'help') return { code: 0, stdout: command.text, stderr: '' }
  if (command.kind === 'usage') return usage(command.problems)
  return check(command.options, {
    now,
    readStdin: () => Promise.resolve(stdin),
    readCluster: () => Promise.resolve({ kind: 'problem', problem: 'there is no cluster here' }),
    readOperator: () => Promise.resolve({ kind: 'unseen', why: 'there is no operator here' }),
    readNamespace: () => Promise.resolve({}),
    readPods: () => Promise.resolve({ kind: 'seen', pods: [], complete: true }),
    ...reach,
  })
}

/** What a cluster holds, whose kinds are all served. */
const given = (object: Manifest): Given => ({
  resource: resourceOf(object),
  object,
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
})

export const live = (...objects: readonly Manifest[]): Parameters<typeof checked>[2] => ({
  readCluster: () =>
    Promise.resolve({ kind: 'snapshot', served: allResources, manifests: objects.map(given) }),
})

/** The verdicts on objects that arrive on standard input, in their order. */
export async function verdictsOn(
  objects: readonly unknown[],
  ...argv: readonly string[]
): Promise<readonly CheckedBinding[]> {
  const { stdout, stderr } = await checked(['-f', '-', '-o', 'json', ...argv], listOf(objects))
  if (stdout === '') throw new Error(stderr)
  return bindingsIn(stdout)
}

export function bindingsIn(stdout: string): readonly CheckedBinding[] {
  const output: { readonly bindings: readonly CheckedBinding[] } = JSON.parse(stdout)
  return output.bindings
}

export const listOf = (items: readonly unknown[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items })

/** A binding of the output, in the words of the worked cases. */
export function settledIn({ status, clusterSPIFFEID }: CheckedBinding): unknown {
  const [ready, ...others] = status.conditions
  const failed = others.find((condition) => condition.status === 'True')
  const { metadata, spec } = clusterSPIFFEID ?? {}
  return {
    ready: ready?.status,
    condition: failed?.type ?? ready?.type,
    reason: ready?.reason,
    message: ready?.message,
    ...(metadata &&
      spec && { ...renderedIn(spec), clusterSPIFFEIDName: metadata['name'], labels: metadata['labels'] }),
  }
}

const renderedIn = (spec: JsonObject): { readonly [Name in keyof Settled]?: unknown } => ({
  spiffeID: spec['spiffeIDTemplate'],
  selectors: spec['workloadSelectorTemplates'],
  podSelector: spec['podSelector'],
  namespaceSelector: spec['namespaceSelector'],
  hint: spec['hint'],
  className: spec['className'],
})

export type Folder = AsyncDisposable & { readonly path: string; readonly at: (name: string) => string }

/** A folder with these files in it, which goes at the end of the scope. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<Folder> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kleym-check-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text)
  return {
    path: folder.path,
    at: (name) => join(folder.path, name),
    [Symbol.asyncDispose]: () => folder.remove(),
  }
}

/** The objects of a text, as the command reads and judges them. */
export function parsed(
  text: string,
  file = 'x.yaml',
  definitions = knownDefinitions,
): { readonly items: readonly Item[]; readonly problems: readonly string[] } {
  const { objects, problems } = objectsOf(text, file)
  return { items: itemsOf(objects, { namespace: 'default', definitions }), problems }
}
