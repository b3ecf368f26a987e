import type { Server } from 'node:net'

export type Listening = {
  /** The port that the server listens on; chosen by the system if 0 was asked for. */
  readonly port: number
  readonly close: () => Promise<void>
}

/** The port of a server that listens on TCP. */
export function portOf(server: Pick<Server, 'address'>): number {
  const at = server.address()
  if (at === null || typeof at === 'string') throw new Error('the server does not listen on a TCP port')
  return at.port
}
