import type { IncomingMessage, ServerResponse } from 'node:http'
import { matches, type Asked, type Match } from './faults.ts'

type Open = { readonly asked: Asked; readonly response: ServerResponse; silent: boolean }

/** The watches that are open through the proxy, and what can befall them. */
export class Watches {
  readonly #open = new Set<Open>()
  readonly #reset: (response: ServerResponse) => void

  constructor(reset: (response: ServerResponse) => void) {
    this.#reset = reset
  }

  relay(asked: Asked, upstream: IncomingMessage, response: ServerResponse, silent: boolean): void {
    const open: Open = { asked, response, silent }
    this.#open.add(open)
    response.on('close', () => {
      this.#open.delete(open)
      upstream.destroy()
    })
    upstream.on('data', (chunk: Buffer) => {
      if (!open.silent) response.write(chunk)
    })
    // A silent watch stays open whatever the server does: that is what makes it dangerous.
    upstream.on('end', () => {
      if (!open.silent) response.end()
    })
    upstream.on('error', () => {
      if (!open.silent) response.destroy()
    })
  }

  count(match: Match = {}): number {
    return this.#matching(match).length
  }

  /** Resets their connections. */
  cut(match: Match = {}): number {
    return this.#each(match, ({ response }) => this.#reset(response))
  }

  silence(match: Match = {}): number {
    return this.#each(match, (open) => {
      open.silent = true
    })
  }

  /** Sends an event into them and ends them in good order. */
  finishWith(event: string, match: Match = {}): number {
    return this.#each(match, (open) => {
      open.silent = true
      open.response.end(event)
    })
  }

  #matching(match: Match): readonly Open[] {
    // A watch that was ended takes no more events, even if its end is not sent yet.
    return [...this.#open].filter(({ asked, response }) => !response.writableEnded && matches(match, asked))
  }

  #each(match: Match, act: (open: Open) => void): number {
    const hit = this.#matching(match)
    hit.forEach(act)
    return hit.length
  }
}
