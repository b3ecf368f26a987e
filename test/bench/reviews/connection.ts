/** One that has bytes to send and takes what arrives. */
export type Connection = {
  /** Everything to be sent before the first answer, `inFlight` requests among it. */
  readonly begin: (inFlight: number) => Buffer
  /** What to send in return; `answered` counts. */
  readonly receive: (chunk: Buffer) => Buffer | undefined
  readonly answered: number
}

export type Posts = {
  readonly authority: string
  readonly path: string
  /** Sent in turns; all of one length. */
  readonly bodies: readonly string[]
}

export const allows = (answer: Buffer): boolean => answer.includes('"allowed":true')
