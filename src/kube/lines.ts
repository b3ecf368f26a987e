import type { Readable } from 'node:stream'

/**
 * The JSON documents of a stream, one a line. The iteration ends when the stream ends.
 *
 * @throws Error while iterating, when the stream breaks or ends in the middle of a line; SyntaxError for a line that is no JSON
 */
export function jsonLines(stream: Readable): AsyncIterable<unknown> {
  // An aborted stream emits an error even when nobody reads it, and without a listener that ends the process.
  stream.on('error', () => {})
  stream.setEncoding('utf8')
  return documents(stream)
}

async function* documents(stream: AsyncIterable<string>): AsyncGenerator {
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
  }
  if (rest.trim() !== '') throw new Error('the stream ended in the middle of a line')
}
