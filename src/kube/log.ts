type Line = (details: object, message: string) => void

/** What this folder needs of a logger; pino's fits. */
export type Log = { readonly debug: Line; readonly info: Line; readonly warn: Line; readonly error: Line }

const ignore: Line = () => {}

export const silent: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
