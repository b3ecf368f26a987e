/** Thrown by a review that can't tell yet, in words for whoever is waiting: HTTP 500, and why. */
export class Undecided extends Error {
  override readonly name = 'Undecided'
}
