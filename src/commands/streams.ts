/** Resolves once the text has left the process; false if it can't, as into a closed pipe. */
export const write = (stream: NodeJS.WriteStream, output: string): Promise<boolean> =>
  new Promise((resolve) => {
    const failed = (): void => resolve(false)
    stream.once('error', failed)
    stream.write(output, (error) => {
      // After a failure the event still comes, and must find a listener.
      if (!error) stream.off('error', failed)
      resolve(!error)
    })
  })

export async function readStdin(): Promise<string> {
  const { text } = await import('node:stream/consumers')
  return text(process.stdin)
}

/** How wide the terminal is, and whether it shows colours. COLUMNS is for what is none, and is seldom exported. */
export function screen(): { readonly width: number | undefined; readonly colored: boolean } {
  const columns = process.stdout.isTTY ? process.stdout.columns : Number(process.env['COLUMNS'])
  return {
    width: columns > 0 ? columns : undefined,
    colored: process.stdout.isTTY && process.stdout.hasColors(),
  }
}

/** Undefined if the output is no terminal, or one of no size, as some pseudo terminals are. */
export function terminalSize(): { readonly rows: number; readonly columns: number } | undefined {
  const { isTTY, rows, columns } = process.stdout
  return isTTY && rows > 0 && columns > 0 ? { rows, columns } : undefined
}
