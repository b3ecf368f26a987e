import {
  admissionCases,
  reconcileCases,
  type AdmissionCase,
  type ReconcileCase,
} from '../../support/vectors.ts'
import { wordsOfCheck, type Words } from '../support/verdicts.ts'

/** The reasons that are refused by default. InvalidObjectiveRef is left out: of the objective it is a warning. */
const refused: ReadonlySet<string> = new Set([
  'InvalidPoolRef',
  'MissingObjectiveRef',
  'InvalidPoolSelector',
  'UnsupportedMode',
  'InvalidServiceAccountName',
  'InvalidContainerName',
  'UnexpectedContainerName',
  'UnsafeSelector',
  'InvalidSPIFFEID',
  'IdentityCollision',
])

const warned: ReadonlySet<string> = new Set([
  'InferencePoolCRDMissing',
  'TargetPoolNotFound',
  'InferenceObjectiveCRDMissing',
  'TargetObjectiveNotFound',
  'InvalidObjectiveRef',
  'ClusterSPIFFEIDCRDMissing',
])

export type Worked = (ReconcileCase | AdmissionCase) & {
  /** What `kleym check` says of the binding: every door must use the same words. */
  readonly words: Words
  /** The reason of the failure that the contract gives for the binding, if it names one. */
  readonly reason: string | undefined
  readonly isToBeRefused: boolean
  readonly isToBeWarnedOf: boolean
}

const judged = async (one: ReconcileCase | AdmissionCase): Promise<Worked> => {
  const isForeseen = one.kind === 'reconcile' && one.expect.admission === 'denied'
  // Where admission refuses what could only come about later, the loop would settle on another reason or none.
  const reason = one.kind === 'reconcile' && !isForeseen ? one.expect.reason : undefined
  return {
    ...one,
    words: await wordsOfCheck(one),
    reason,
    isToBeRefused:
      one.kind === 'admission' ? !one.expect.admitted : isForeseen || refused.has(one.expect.reason),
    isToBeWarnedOf: reason !== undefined && warned.has(reason),
  }
}

/** The worked cases of a cluster that serves every kind. */
export const workedCases = await Promise.all(
  [...reconcileCases.filter(({ served }) => served === undefined), ...admissionCases].map(judged),
)
