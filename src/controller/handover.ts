import { givesSameIdentity, type ClusterSpiffeId, type Output } from '../core/clusterspiffeid.ts'

type Standing = {
  /** The binding's own ClusterSPIFFEIDs, as they are. */
  readonly mine: readonly Output[]
  /** Those of other bindings that may not be there beside the wanted one. */
  readonly rivals: readonly Output[]
  readonly wanted: ClusterSpiffeId
  /** Whether the status shows the wanted identity already: a difference under its name then means that somebody edited it. */
  readonly isShown: boolean
}

/** In which order the wanted ClusterSPIFFEID takes the place of those that are there. */
export type Handover = {
  /** They give another identity: each is gone before the wanted one comes. */
  readonly before: readonly Output[]
  /** Nothing is written while one of these is there. */
  readonly blocking: readonly Output[]
  /** They give the same identity under another name: each goes once the wanted one is in place. */
  readonly after: readonly Output[]
}

/**
 * While the identity stays the same, the new name comes before the old one goes, so that there is no gap. When it changes,
 * the old one goes first, so that no workload ever has two identities from one binding. What somebody edited under the
 * wanted name is put back in place, unless there is a rival: then it would stay edited for as long as the rival does.
 */
export function handover({ mine, rivals, wanted, isShown }: Standing): Handover {
  const isWantedName = ({ name }: Output): boolean => name === wanted.metadata.name
  const isRepaired = (output: Output): boolean => isShown && isWantedName(output) && rivals.length === 0
  const before = mine.filter((output) => !givesSameIdentity(output, wanted) && !isRepaired(output))
  return {
    before,
    blocking: rivals,
    after: mine.filter((output) => !isWantedName(output) && !before.includes(output)),
  }
}
