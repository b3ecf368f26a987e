/** The client's side of a connection: it says which bytes to send, and takes those that arrive. */
export type Connection = {
  /** The bytes to send before the first answer, which hold `inFlight` requests. */
  readonly begin: (inFlight: number) => Buffer
  /** Takes bytes that arrived, and returns those to send next. `answered` counts the answers. */
  readonly receive: (chunk: Buffer) => Buffer | undefined
  readonly answered: number
}

export type Posts = {
  readonly authority: string
  readonly path: string
  /** Bodies that are sent in turns. All have the same length. */
  readonly bodies: readonly string[]
}

export const allows = (answer: Buffer): boolean => answer.includes('"allowed":true')
