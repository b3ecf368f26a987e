import { timingSafeEqual } from 'node:crypto'

/** The path of a call: the webhook that is called, and the token by which the API server shows that it is the caller. */
export type Called = { readonly route: string; readonly token: string }

/** `/validate/<token>?timeout=5s`. Undefined for a path of any other shape. */
export function calledIn(url: string): Called | undefined {
  const [path = ''] = url.split('?', 1)
  const [before, route, token, ...rest] = path.split('/')
  return before === '' && route !== undefined && token !== undefined && rest.length === 0
    ? { route, token }
    : undefined
}

/** The tokens by which calls are served. None at first: then nothing is. */
export class AcceptedTokens {
  #accepted: readonly Buffer[] = []

  accept(tokens: readonly string[]): void {
    this.#accepted = tokens.map((token) => Buffer.from(token))
  }

  /**
   * Whether a token is accepted. The time that this takes tells nothing about how much of a token was right: all are compared,
   * and each to its end.
   */
  readonly admits = (token: string): boolean => {
    const given = Buffer.from(token)
    return this.#accepted
      .map((one) => one.length === given.length && timingSafeEqual(one, given))
      .includes(true)
  }
}
