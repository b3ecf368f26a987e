import { givesSameIdentity, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'

type Situation = {
  /** The binding's own ClusterSPIFFEIDs, as they are. */
  readonly mine: readonly Output[]
  /** Outputs of other bindings that must be gone before the wanted one exists. */
  readonly rivals: readonly Output[]
  readonly wanted: ClusterSpiffeId
  /**
   * True if the status already shows the wanted identity; an output of the wanted name that differs was then edited
   * by somebody.
   */
  readonly isShown: boolean
}

/** In which order the wanted ClusterSPIFFEID takes the place of those that are there. */
export type Handover = {
  /** Outputs that give another identity: each must be gone before the wanted one is created. */
  readonly before: readonly Output[]
  /** Outputs of other bindings: while one of them exists, nothing is written. */
  readonly blocking: readonly Output[]
  /** Outputs that give the same identity under another name: each is deleted once the wanted one is in place. */
  readonly after: readonly Output[]
}

/**
 * While the identity stays the same, the new name comes before the old one goes, so that there is no gap. When the
 * identity changes, the old output goes first, so that no workload ever has two identities from one binding. An
 * output of the wanted name that somebody edited is put right by an update; but if a rival exists, it is deleted
 * first, because the update would have to wait for the rival and the edit would stand meanwhile.
 */
export function handover({ mine, rivals, wanted, isShown }: Situation): Handover {
  const isWantedName = ({ name }: Output): boolean => name === wanted.metadata.name
  const isRepaired = (output: Output): boolean => isShown && isWantedName(output) && rivals.length === 0
  const before = mine.filter((output) => !givesSameIdentity(output, wanted) && !isRepaired(output))
  return {
    before,
    blocking: rivals,
    after: mine.filter((output) => !isWantedName(output) && !before.includes(output)),
  }
}
