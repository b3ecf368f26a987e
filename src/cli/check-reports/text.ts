import { modes } from '../../core/binding.ts'
import { summaryIn } from '../../core/conditions.ts'
import { show } from '../../core/show.ts'
import type { Checked } from '../assess.ts'
import { objectName, outcomeOf, placeOf, messagesOf } from '../check-messages.ts'
import { safeLine } from '../layout.ts'

/** The report for people: bindings first, then findings on other objects. */
export const textOf = (all: readonly Checked[]): string =>
  [...all.filter(({ kind }) => kind === 'binding'), ...all.filter(hasNews)]
    .flatMap(linesOf)
    .map((line) => `${line}\n`)
    .join('')

/** Whether there is anything to report; of most pools and objectives there is not. */
export const hasNews = (checked: Checked): boolean =>
  checked.kind !== 'binding' && outcomeOf(checked) !== 'allow'

function linesOf(checked: Checked): readonly string[] {
  const place = placeOf(checked)
  // The place as compilers write it, so that editors and CI can follow it.
  const at = place ? `${place.file}:${place.line}: ` : ''
  const messages = messagesOf(checked)
  return [
    `${at}${outcomeOf(checked).padEnd(5)} ${objectName(checked)} (${kindOf(checked)})`,
    ...messages.flatMap(({ action, text, hint }) => [
      `  ${action} ${text}`,
      ...(hint === undefined ? [] : [`    ${hint}`]),
    ]),
    ...(checked.kind === 'binding' ? expectedLines(checked).map((line) => `  ${line}`) : []),
  ].map(safeLine)
}

const kindOf = (checked: Checked): string => {
  if (checked.kind !== 'binding') return `${checked.item.kind} of ${checked.item.group}`
  const { mode } = checked.assessment
  return modes.find((known) => known === mode) ?? show(mode)
}

/** The state of a binding if all objects were admitted and, where that differs, if the refused ones are absent. */
function expectedLines(checked: Extract<Checked, { kind: 'binding' }>): readonly string[] {
  const { assessment, willBe } = checked
  const { clusterSpiffeId, status, deleting } = assessment
  if (deleting) return ['it is being deleted']
  if (clusterSpiffeId)
    return [
      String(clusterSpiffeId.spec['spiffeIDTemplate']),
      `ClusterSPIFFEID ${clusterSpiffeId.metadata.name}`,
      ...(willBe && !willBe.clusterSpiffeId
        ? [`not Ready without what is refused: ${reasonIn(willBe.status)}`]
        : []),
    ]
  if (outcomeOf(checked) === 'deny') return []
  return [
    `not Ready if all of this were applied: ${reasonIn(status)}`,
    ...(willBe?.clusterSpiffeId
      ? [`without what is refused: ${String(willBe.clusterSpiffeId.spec['spiffeIDTemplate'])}`]
      : []),
  ]
}

const reasonIn = (status: Parameters<typeof summaryIn>[0]): string => summaryIn(status)?.reason ?? ''
