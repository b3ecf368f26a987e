import { allows, type Connection, type Posts } from './connection.ts'

// RFC 9113, sections 3.4, 4.1 and 6.
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const headBytes = 9
const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const
const flags = { ack: 1, endStream: 1, endHeaders: 4 } as const
const initialWindow = 65_535
const largestWindow = 2 ** 31 - 1
const settingsInitialWindow = 4

/** RFC 7541, appendix A, number 8: the whole header block of a 200 begins with it. */
const status200 = 0x88

/**
 * As much of an HTTP/2 client as it takes to post over and over: header blocks that use the static table alone,
 * windows on our side too large to run out, and the server's window for the connection.
 */
export class Http2Connection implements Connection {
  readonly #headers: Buffer
  readonly #bodies: readonly Buffer[]
  #nextStream = 1
  /** Requests that wait for room in the server's window. */
  #owed = 0
  #window = initialWindow
  #pending: Buffer = Buffer.alloc(0)
  #out: Buffer[] = []
  answered = 0

  constructor(posts: Posts) {
    this.#bodies = posts.bodies.map((body) => Buffer.from(body))
    this.#headers = headerBlock(posts)
  }

  begin(inFlight: number): Buffer {
    const settings = Buffer.alloc(6)
    settings.writeUInt16BE(settingsInitialWindow, 0)
    settings.writeUInt32BE(largestWindow, 2)
    this.#out.push(preface, frame(types.settings, 0, 0, settings))
    this.#out.push(frame(types.windowUpdate, 0, 0, uint32(largestWindow - initialWindow)))
    this.#owed = inFlight
    this.#post()
    return this.#flush()
  }

  receive(chunk: Buffer): Buffer | undefined {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (this.#pending.length >= headBytes) {
      const end = headBytes + this.#pending.readUIntBE(0, 3)
      if (this.#pending.length < end) break
      const [type, flag, stream] = [
        this.#pending[3] ?? 0,
        this.#pending[4] ?? 0,
        this.#pending.readUInt32BE(5),
      ]
      const payload = this.#pending.subarray(headBytes, end)
      // A stream's own window has room for any body.
      if (type === types.windowUpdate) this.#window += stream === 0 ? payload.readUInt32BE(0) : 0
      else this.#take(type, flag, payload)
      this.#pending = this.#pending.subarray(end)
    }
    this.#post()
    return this.#out.length === 0 ? undefined : this.#flush()
  }

  #take(type: number, flag: number, payload: Buffer): void {
    switch (type) {
      case types.headers:
        if (payload[0] !== status200 || flag & flags.endStream)
          throw new Error('the answer is not 200 with a body')
        break
      case types.data:
        if (payload.length > 0 && !allows(payload)) throw new Error(`answered: ${payload.toString()}`)
        if (flag & flags.endStream) {
          this.answered += 1
          this.#owed += 1
        }
        break
      case types.settings:
        if (!(flag & flags.ack)) this.#out.push(frame(types.settings, flags.ack, 0, Buffer.alloc(0)))
        break
      case types.ping:
        if (!(flag & flags.ack)) this.#out.push(frame(types.ping, flags.ack, 0, payload))
        break
      case types.reset:
      case types.goAway:
        throw new Error('the server ended a stream or the connection')
    }
  }

  #post(): void {
    for (; this.#owed > 0; this.#owed--) {
      const body = this.#bodies[(this.#nextStream >> 1) % this.#bodies.length] ?? Buffer.alloc(0)
      if (this.#window < body.length) return
      this.#window -= body.length
      this.#out.push(frame(types.headers, flags.endHeaders, this.#nextStream, this.#headers))
      this.#out.push(frame(types.data, flags.endStream, this.#nextStream, body))
      this.#nextStream += 2
    }
  }

  #flush(): Buffer {
    const out = Buffer.concat(this.#out)
    this.#out = []
    return out
  }
}

function frame(type: number, flag: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flag, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** RFC 7541, section 6: indexed fields, and literals without indexing whose name is in the static table. */
function headerBlock({ authority, path, bodies }: Posts): Buffer {
  const [post, https] = [0x83, 0x87]
  const length = String(Buffer.byteLength(bodies[0] ?? ''))
  return Buffer.concat([
    Buffer.from([post, https]),
    literal([0x01], authority),
    literal([0x04], path),
    literal([0x0f, 31 - 15], 'application/json'),
    literal([0x0f, 28 - 15], length),
    literal([0x0f, 19 - 15], 'application/json, */*'),
    literal([0x0f, 58 - 15], 'kube-apiserver-admission'),
  ])
}

/** For values of less than 127 bytes, whose length is one byte. */
const literal = (name: readonly number[], value: string): Buffer =>
  Buffer.concat([Buffer.from([...name, value.length]), Buffer.from(value)])
