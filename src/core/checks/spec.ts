import { given, isMalformed } from '../binding.ts'
import type { Check } from '../facts.ts'
import { finding } from '../findings.ts'
import { isDns1123Label, isDns1123Subdomain } from '../names.ts'
import { notAString, show } from '../show.ts'

export const modeIsSupported: Check = ({ binding: { spec } }) => {
  if (!isMalformed(spec.mode)) return undefined
  const value = spec.mode.malformed
  return finding(
    'unsupportedMode',
    { field: 'spec.mode', cause: 'Invalid', value },
    `spec.mode ${show(value)} is not supported`,
  )
}

export const serviceAccountIsNamed: Check = ({ binding: { spec } }) => {
  const value = given(spec.serviceAccountName)
  if (typeof value === 'string' && isDns1123Subdomain(value)) return undefined
  const field = 'spec.serviceAccountName'
  return value === undefined
    ? finding('invalidServiceAccountName', { field, cause: 'Required', value }, `${field} is missing`)
    : finding(
        'invalidServiceAccountName',
        { field, cause: 'Invalid', value },
        `${field} ${noName(value, 'a DNS-1123 subdomain')}`,
      )
}

export const containerIsNamed: Check = ({ binding: { spec } }) => {
  if (spec.mode !== 'PerObjective') return undefined
  const value = given(spec.containerName)
  if (typeof value === 'string' && isDns1123Label(value)) return undefined
  const field = 'spec.containerName'
  return value === undefined
    ? finding(
        'invalidContainerName',
        { field, cause: 'Required', value },
        `${field} is missing and spec.mode is PerObjective`,
      )
    : finding(
        'invalidContainerName',
        { field, cause: 'Invalid', value },
        `${field} ${noName(value, 'a DNS-1123 label')}`,
      )
}

export const containerIsUnexpected: Check = ({ binding: { spec } }) => {
  if (spec.mode !== 'PoolOnly' || spec.containerName === undefined) return undefined
  const value = given(spec.containerName)
  return finding(
    'unexpectedContainerName',
    { field: 'spec.containerName', cause: 'Forbidden', value },
    `spec.containerName ${show(value)} has no place in a PoolOnly binding`,
  )
}

const noName = (value: unknown, wanted: string): string =>
  typeof value === 'string' ? `${show(value)} is not ${wanted}` : notAString(value)
