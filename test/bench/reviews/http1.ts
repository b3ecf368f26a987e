import { allows, type Connection, type Posts } from './connection.ts'

const headEnd = '\r\n\r\n'

/** HTTP/1.1 (RFC 9112) with Content-Length on both sides, one request at a time. */
export class Http1Connection implements Connection {
  readonly #requests: readonly Buffer[]
  #pending: Buffer = Buffer.alloc(0)
  answered = 0

  constructor({ authority, path, bodies }: Posts) {
    this.#requests = bodies.map((body) =>
      Buffer.from(
        [
          `POST ${path} HTTP/1.1`,
          `Host: ${authority}`,
          'User-Agent: kube-apiserver-admission',
          `Content-Length: ${Buffer.byteLength(body)}`,
          'Accept: application/json, */*',
          'Content-Type: application/json',
          '',
          body,
        ].join('\r\n'),
      ),
    )
  }

  begin(): Buffer {
    return this.#next()
  }

  receive(chunk: Buffer): Buffer | undefined {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    const bodyAt = this.#pending.indexOf(headEnd) + headEnd.length
    if (bodyAt < headEnd.length) return undefined
    const head = this.#pending.subarray(0, bodyAt).toString('latin1')
    const length = /^content-length: (\d+)/im.exec(head)?.[1]
    if (!head.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(`answered: ${head}`)
    const end = bodyAt + Number(length)
    if (this.#pending.length < end) return undefined
    const answer = this.#pending.subarray(bodyAt, end)
    if (!allows(answer)) throw new Error(`answered: ${answer.toString()}`)
    this.#pending = this.#pending.subarray(end)
    this.answered += 1
    return this.#next()
  }

  #next(): Buffer {
    return this.#requests[this.answered % this.#requests.length] ?? Buffer.alloc(0)
  }
}
