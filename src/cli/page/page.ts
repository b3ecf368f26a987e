import { bindingKey } from '../../core/binding.ts'
import { exitCodes, usage, type CommandResult } from '../../result.ts'
import { inventoryOf, manifestsOf } from '../admissions.ts'
import { examine, type CheckReach, type Examined, type ExamineOptions } from '../check.ts'
import type { ClusterReads } from '../cluster.ts'
import { listPodsOf, unseenPods } from '../pods-seen.ts'
import { rowsOf, type Row } from '../rows.ts'
import { seenOf, spireSightFor } from '../spire-state.ts'
import { pageAssets } from './assets.ts'
import { groupsOf, type BindingChecked } from './drawing.ts'
import { htmlOf } from './html.ts'
import type { Page } from './model.ts'

export type PageOptions = ExamineOptions & { readonly strict: boolean }

type Reach = CheckReach & Pick<ClusterReads, 'readSpire'>

type ExaminedAll = Extract<Examined, { kind: 'examined' }>

/** Draws the bindings of a cluster, or of files, as one page. */
export async function drawPage(options: PageOptions, reach: Reach): Promise<CommandResult> {
  const examined = await examine(options, reach)
  if (examined.kind === 'problems') return usage(examined.problems)
  const page = await pageOf(examined, options, reach)
  const grades = new Set(page.groups.flatMap(({ bindings }) => bindings.map(({ grade }) => grade)))
  return {
    code:
      grades.has('error') || (options.strict && grades.has('warning')) ? exitCodes.findings : exitCodes.fine,
    stdout: htmlOf(page, pageAssets()),
    stderr: page.remarks.map((line) => `kleym: ${line}\n`).join(''),
  }
}

async function pageOf(examined: ExaminedAll, { files, live }: PageOptions, reach: Reach): Promise<Page> {
  const { input, isAudit, all, checkSettings, limits } = examined
  const checked = all.filter((one): one is BindingChecked => one.kind === 'binding')
  const namespaces = live ? checked.map(({ assessment }) => assessment.namespace) : []
  const pods = await listPodsOf(namespaces, reach.readPods, examined.pods)
  const drawing = {
    checked,
    inventory: inventoryOf(input, manifestsOf(input.items)),
    rows: isAudit ? await rowsByKey(examined, reach) : new Map<string, Row>(),
    podsIn: (namespace: string) => pods.get(namespace),
  }
  return {
    source: isAudit
      ? 'the current cluster'
      : `${files.join(', ')}${live ? ', beside the current cluster' : ''}`,
    generatedAt: reach.now.toISOString(),
    remarks: [...checkSettings.remarks, ...limits, ...unseenPods(pods)],
    groups: groupsOf(drawing),
  }
}

async function rowsByKey({ input }: ExaminedAll, reach: Reach): Promise<ReadonlyMap<string, Row>> {
  const outputs = seenOf(input.cluster)
  const spire = await spireSightFor(outputs, reach)
  const rows = rowsOf(input.cluster, { outputs, spire, now: reach.now })
  return new Map(rows.map((row) => [bindingKey(row.namespace, row.name), row]))
}
