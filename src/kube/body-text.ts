import type { Dispatcher } from 'undici'

/**
 * The body of an answer as text. Throwing out of the loop ends the stream and the connection, so that the rest is not read.
 *
 * @throws Error where the body has more than `maxBytes`
 */
export async function textOf(
  body: Dispatcher.ResponseData['body'],
  maxBytes: number | undefined,
): Promise<string> {
  if (maxBytes === undefined) return body.text()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`)
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString()
}
