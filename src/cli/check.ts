import { allResources, bindingResource, gvk, optionalResources, type Resource } from '../core/resources.ts'
import { unreadWords } from '../core/unread.ts'
import { exitCodes, usage, type CommandResult } from '../result.ts'
import type { Definition } from '../schema/definition.ts'
import { knownDefinitions } from '../schema/kinds.ts'
import { assess, audit, type Checked } from './assess.ts'
import { countsOf, outcomeOf } from './check-messages.ts'
import { checkReportOf } from './check-reports/check-report.ts'
import { hasNews, textOf } from './check-reports/text.ts'
import { settingsOfCheck, type AskedSettings, type CheckSettings } from './check-settings.ts'
import type { ClusterReads, ReadCluster, ReadOperator, Snapshot } from './cluster.ts'
import { definitionsFrom, unapplied } from './crds.ts'
import { readTexts } from './files.ts'
import type { ReportFormat } from './formats.ts'
import { movable } from './item-orders.ts'
import { lenientInCluster } from './lenient-in-cluster.ts'
import { itemsOf, objectsOf, type Item } from './manifests.ts'
import { anewLines, answeredLines, orderLine } from './orders.ts'
import { listPodsOf, unseenPods, type PodsByNamespace } from './pods-seen.ts'

export type CheckOptions = {
  readonly asked: AskedSettings
  readonly files: readonly string[]
  /** Whether folders are read with their subfolders. */
  readonly recursive: boolean
  /** Files and folders with CustomResourceDefinitions. */
  readonly crds: readonly string[]
  readonly namespace: string
  /** The namespace to audit; undefined for all. */
  readonly auditNamespace: string | undefined
  readonly operatorNamespace: string
  readonly format: ReportFormat
  /** Whether warnings count as failures. */
  readonly strict: boolean
  /** The kinds that count as served; undefined for all of them or, live, for those that the cluster serves. */
  readonly served: readonly Resource[] | undefined
  readonly live: boolean
}

export type CheckReach = {
  readonly now: Date
  readonly readStdin: () => Promise<string>
  readonly readCluster: ReadCluster
  readonly readOperator: ReadOperator
} & Pick<ClusterReads, 'readNamespace' | 'readPods'>

/** What files and cluster hold, and what is made of it. */
export type Examined =
  | {
      readonly kind: 'examined'
      readonly input: Parameters<typeof assess>[0]
      /** Whether it is about what the cluster holds, and not about files. */
      readonly isAudit: boolean
      readonly all: readonly Checked[]
      readonly checkSettings: Extract<CheckSettings, { kind: 'settings' }>
      readonly pods: PodsByNamespace
      /** What could not be seen, beside pods, or is not applied. */
      readonly limits: readonly string[]
    }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

export type ExamineOptions = Omit<CheckOptions, 'format' | 'strict'>

/** Reads what there is to judge, and judges it as an API server with the webhook does. */
export async function examine(options: ExamineOptions, reach: CheckReach): Promise<Examined> {
  const { objects, crds, problems } = await readInput(options, reach)
  const itemsBy = (definitions: readonly Definition[], unserved: readonly Resource[] = []): readonly Item[] =>
    itemsOf(objects, { namespace: options.namespace, definitions, unserved })
  // The namespaces of the input decide what is read from the cluster, so the input is judged by the known schemas first.
  const first = itemsBy([...crds.definitions, ...knownDefinitions])
  const isAudit = options.files.length === 0
  const scope = {
    namespace: onlyNamespace(options, first),
    inParts: true,
    schemas: isAudit ? [] : allResources,
  }
  const snapshot = options.live ? await reach.readCluster(scope) : noCluster
  if (snapshot.kind === 'problem') return { kind: 'problems', problems: [...problems, snapshot.problem] }
  const checkSettings = await settingsOfCheck(options, reach)
  if (checkSettings.kind === 'problem')
    return { kind: 'problems', problems: [...problems, checkSettings.problem] }
  if (problems.length > 0) return { kind: 'problems', problems }
  const { served, unread = [] } = options.served ? { served: options.served } : snapshot
  const live = snapshot.schemas?.definitions ?? []
  const definitions = [...crds.definitions, ...live, ...knownDefinitions]
  // Bindings without a CustomResourceDefinition are refused, and judged all the same, since it may come before them.
  const isOurs = crds.definitions.some(isOfBindings)
  const unserved =
    isOurs || options.served || snapshot.served.includes(bindingResource) ? [] : [bindingResource]
  const isAsFirst = isAllServed(served) && live.length === 0 && unserved.length === 0
  const items = isAsFirst
    ? first
    : itemsBy(
        definitions.filter((one) => isServed(one, served)),
        unserved,
      )
  const { settings, actions, looksAtPods } = checkSettings
  const judgeIn = (lenient: ReadonlySet<string>, pods: PodsByNamespace) => {
    const { manifests: cluster } = snapshot
    const input = { settings, actions, served, unread, cluster, lenient, pods, now: reach.now, items }
    return { input, all: isAudit ? audit(input) : assess(input) }
  }
  const unlooked = judgeIn(new Set(), new Map())
  const pods = await listPodsOf(looksAtPods ? namespacesAllowedIn(unlooked.all) : [], reach.readPods)
  const strict = pods.size > 0 ? judgeIn(new Set(), pods) : unlooked
  const readNamespace = options.live ? reach.readNamespace : undefined
  const leniency = await lenientInCluster(strict.all, items, readNamespace)
  const { input, all } = leniency.namespaces.size > 0 ? judgeIn(leniency.namespaces, pods) : strict
  const limits = [
    ...crds.remarks,
    ...unserved.map(
      (one) =>
        unread.filter(({ resource }) => resource === one).map(unreadWords)[0] ??
        `the cluster does not serve ${one.kind}: its CustomResourceDefinition is not installed`,
    ),
    ...schemaLimits(snapshot),
    ...leniency.limits,
    ...unseenLimits(snapshot),
  ]
  return { kind: 'examined', input, isAudit, all, checkSettings, pods, limits }
}

/** The objects of the files, the definitions of `--crds`, and what is wrong with either. */
async function readInput({ files, crds: crdFiles, recursive }: ExamineOptions, { readStdin }: CheckReach) {
  const texts = await readTexts(files, { recursive, readStdin, flag: '-f' })
  const crds = await definitionsFrom(crdFiles, { recursive, readStdin })
  const read = texts.map((one) =>
    one.kind === 'problem' ? { objects: [], problems: [one.problem] } : objectsOf(one.text, one.file),
  )
  return {
    objects: read.flatMap((one) => one.objects),
    crds,
    problems: [...crds.problems, ...read.flatMap((one) => one.problems)],
  }
}

/** The namespaces of bindings that admission allows: it only looks at the pods of these. */
const namespacesAllowedIn = (all: readonly Checked[]): readonly string[] =>
  all.flatMap((one) =>
    one.kind === 'binding' && outcomeOf(one) !== 'deny' && !one.assessment.deleting
      ? [one.assessment.namespace]
      : [],
  )

/** Which rules and schemas of the cluster are not applied. */
function schemaLimits({ schemas }: Snapshot): readonly string[] {
  const { definitions, unseen } = schemas ?? { definitions: [], unseen: [] }
  return [
    // The CEL rules of our own kind are not missed: the checks say the same.
    ...definitions.filter((one) => !isOfBindings(one)).flatMap(unapplied),
    ...(unseen.length > 0
      ? [`judges by schemas that come with kleym, not by those of the cluster: ${unseen.join('; ')}`]
      : []),
  ]
}

const unseenLimits = ({ unseen = [] }: Snapshot): readonly string[] =>
  unseen.map(({ why }) => `goes on without what it may not see: ${why}`)

/** Gives the verdict on manifests without a cluster or, live, beside what the current cluster holds. */
export async function check(options: CheckOptions, reach: CheckReach): Promise<CommandResult> {
  const examined = await examine(options, reach)
  if (examined.kind === 'problems') return usage(examined.problems)
  const { strict, format } = options
  const { input, isAudit, all, checkSettings, pods, limits } = examined
  const { denied, warned } = countsOf(all)
  const remarks = (): readonly string[] => [
    ...checkSettings.remarks,
    ...answeredLines(all),
    ...(isEmpty(all) ? [] : isAudit ? anewLines(all) : [orderLine(input, denied > 0)]),
  ]
  return {
    code: denied > 0 || (strict && warned > 0) ? exitCodes.findings : exitCodes.fine,
    stdout: checkReportOf({ all, strict, operator: checkSettings.operator, remarks }, format),
    stderr: [
      ...limits,
      ...unseenPods(pods),
      ...(format === 'text' ? [] : checkSettings.remarks),
      ...(isEmpty(all) ? ['no InferenceIdentityBinding found'] : []),
    ]
      .map((line) => `kleym: ${line}\n`)
      .join('')
      // The output is a file of ClusterSPIFFEIDs. Why one of them is missing is printed to standard error.
      .concat(format === 'yaml' ? textOf(all.filter((one) => outcomeOf(one) === 'deny')) : ''),
  }
}

/**
 * The namespace of the input, or that of what names none, unless there are several. Bindings never depend on objects of another
 * namespace, and who may list only one can check what is in it.
 */
function onlyNamespace(
  { files, auditNamespace, namespace }: ExamineOptions,
  items: readonly Item[],
): string | undefined {
  if (files.length === 0) return auditNamespace
  const namespaces = new Set(movable(items).map((item) => item.namespace))
  namespaces.delete('')
  const [only = namespace, ...others] = namespaces
  return others.length === 0 ? only : undefined
}

const isAllServed = (served: readonly Resource[]): boolean =>
  optionalResources.every((resource) => served.includes(resource))

/** Whether a kind is served. Kinds that bindings do not depend on always are. */
const isServed = ({ group, version, kind }: Definition, served: readonly Resource[]): boolean => {
  const resource = optionalResources.find((one) => gvk(one) === `${group}/${version}/${kind}`)
  return !resource || served.includes(resource)
}

const isOfBindings = ({ group, kind }: Definition): boolean =>
  group === bindingResource.group && kind === bindingResource.kind

const isEmpty = (all: readonly Checked[]): boolean =>
  !all.some((one) => one.kind === 'binding' || hasNews(one))

const noCluster: Snapshot = {
  kind: 'snapshot',
  served: [bindingResource, ...optionalResources],
  manifests: [],
}
