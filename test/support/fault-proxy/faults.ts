/** Which requests a fault hits. What is left out matches everything. */
export type Match = {
  readonly method?: string | RegExp
  /** Against path and query, as sent. */
  readonly path?: RegExp
  readonly watch?: boolean
}

/** What an API server, or the way to it, does on a bad day. */
export type Fault =
  | { readonly kind: 'status'; readonly code: number; readonly retryAfterSeconds?: number }
  /** 410 Gone: the answer to a list, an ERROR event in a watch. */
  | { readonly kind: 'expired' }
  /** The connection is reset before the server has seen the request. */
  | { readonly kind: 'reset' }
  /** The server does what it is asked to; its answer is lost in a reset. */
  | { readonly kind: 'lostResponse' }
  /** A watch opens and says nothing, no bookmark either; another request is never answered. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** Discovery lacks these groups, as for a moment after a restart; what they serve works. */
  | { readonly kind: 'withoutGroups'; readonly groups: readonly string[] }

export type Injected = {
  readonly hits: () => number
  /** Ends the fault before it is used up. */
  readonly lift: () => void
}

export type Asked = { readonly method: string; readonly path: string }

export const isWatch = ({ path }: Asked): boolean => /[?&]watch=(?:true|1)(?:&|$)/.test(path)

export const matches = (match: Match, asked: Asked): boolean =>
  (match.method === undefined || isMethod(match.method, asked.method)) &&
  (match.path === undefined || match.path.test(asked.path)) &&
  (match.watch === undefined || match.watch === isWatch(asked))

const isMethod = (wanted: string | RegExp, method: string): boolean =>
  typeof wanted === 'string' ? wanted === method : wanted.test(method)

type Rule = { readonly match: Match; readonly fault: Fault; left: number; hits: number }

/** The faults that wait for their requests; the oldest that matches is used first. */
export class Faults {
  #rules: readonly Rule[] = []

  /** The next `times` matching requests meet the fault; `Infinity` until it is lifted. */
  inject(match: Match, fault: Fault, times = 1): Injected {
    const rule: Rule = { match, fault, left: times, hits: 0 }
    this.#rules = [...this.#rules, rule]
    return {
      hits: () => rule.hits,
      lift: () => {
        rule.left = 0
      },
    }
  }

  clear(): void {
    for (const rule of this.#rules) rule.left = 0
    this.#rules = []
  }

  take(asked: Asked): Fault | undefined {
    this.#rules = this.#rules.filter((rule) => rule.left > 0)
    const rule = this.#rules.find(({ match }) => matches(match, asked))
    if (rule === undefined) return undefined
    rule.left -= 1
    rule.hits += 1
    return rule.fault
  }
}
