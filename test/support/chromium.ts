import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { isObject, objectOr, textOr } from '../../src/core/json.ts'
import { describeWith, onPath } from './on-path.ts'

const program = onPath('chromium', 'chromium-browser', 'google-chrome')

/** A suite that needs a real browser. */
export const describeInBrowser = (name: string, tests: () => void): void =>
  describeWith(
    name,
    { are: program !== undefined, remedy: 'needs chromium on PATH (Debian: apt-get install chromium)' },
    tests,
  )

/** A page in a Chromium without a window. */
export type Browser = AsyncDisposable & {
  readonly open: (file: string) => Promise<void>
  /** What an expression is in the page, as JSON has it; promises are waited for. */
  readonly ask: (expression: string) => Promise<unknown>
  /** Moves the mouse there and presses it, as a person does. */
  readonly click: (selector: string) => Promise<void>
  readonly press: (key: string) => Promise<void>
  readonly type: (text: string) => Promise<void>
  /** A PNG of what is in the window. */
  readonly picture: () => Promise<Buffer>
  readonly send: (method: string, params?: object) => Promise<unknown>
  /** What the page asked for over the network, and what its policy refused. */
  readonly said: () => readonly string[]
}

/** Starts Chromium and speaks its DevTools protocol over a pipe: messages of JSON, each ended by a NUL. */
export async function startBrowser(): Promise<Browser> {
  if (program === undefined) throw new Error('there is no chromium')
  const profile = await mkdtempDisposable(join(tmpdir(), 'kleym-chromium-'))
  const flags = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--hide-scrollbars',
  ]
  const child = spawn(
    program,
    [...flags, '--no-first-run', '--remote-debugging-pipe', `--user-data-dir=${profile.path}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  )
  const [, , , input, output] = child.stdio
  if (!(input instanceof Writable) || !(output instanceof Readable)) throw new Error('chromium has no pipe')
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const said: string[] = []
  let kept = ''
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (kept + chunk).split('\0')
    kept = messages.pop() ?? ''
    for (const message of messages) take(objectOr(JSON.parse(message)))
  })
  function take({ id, result, error, method, params }: { readonly [name: string]: unknown }): void {
    const asked = waiting.get(Number(id))
    if (asked) {
      waiting.delete(Number(id))
      if (error === undefined) asked.resolve(result)
      else asked.reject(new Error(JSON.stringify(error)))
    }
    if (method === 'Network.requestWillBeSent')
      said.push(textOr(objectOr(objectOr(params)['request'])['url'], ''))
    if (method === 'Log.entryAdded') said.push(textOr(objectOr(objectOr(params)['entry'])['text'], ''))
    if (method === 'Runtime.exceptionThrown' || method === 'Page.javascriptDialogOpening')
      said.push(JSON.stringify(params))
  }
  let session: string | undefined
  const send = (method: string, params: object = {}): Promise<unknown> => {
    const id = waiting.size === 0 ? 1 : Math.max(...waiting.keys()) + 1
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    input.write(
      `${JSON.stringify({ id, method, params, ...(session !== undefined && { sessionId: session }) })}\0`,
    )
    return answer.promise
  }
  const targets = objectOr(await send('Target.getTargets'))['targetInfos']
  const target = (Array.isArray(targets) ? targets : []).find((one) => objectOr(one)['type'] === 'page')
  const { targetId } = objectOr(target)
  session = textOr(
    objectOr(await send('Target.attachToTarget', { targetId, flatten: true }))['sessionId'],
    '',
  )
  for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await send(`${domain}.enable`)

  const ask = async (expression: string): Promise<unknown> => {
    const answer = objectOr(
      await send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true }),
    )
    if (answer['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(answer['exceptionDetails']))
    return objectOr(answer['result'])['value']
  }
  const key = async (name: string, text: string | undefined): Promise<void> => {
    const windowsVirtualKeyCode = keyCodes[name] ?? 0
    const pressed = { key: name, code: name, windowsVirtualKeyCode, ...(text !== undefined && { text }) }
    await send('Input.dispatchKeyEvent', { type: 'keyDown', ...pressed })
    await send('Input.dispatchKeyEvent', { type: 'keyUp', ...pressed })
  }
  return {
    send,
    ask,
    said: () => said,
    open: async (file) => {
      await send('Page.navigate', { url: `file://${file}` })
      while ((await ask('document.readyState')) !== 'complete')
        await ask('new Promise((go) => setTimeout(go, 20))')
    },
    click: async (selector) => {
      const at = await ask(
        `(() => { const one = document.querySelector(${JSON.stringify(selector)}); if (!one) return null; one.scrollIntoView({ block: 'center' }); const { x, y, width, height } = one.getBoundingClientRect(); return { x: x + width / 2, y: y + height / 2 } })()`,
      )
      if (!isObject(at)) throw new Error(`there is no ${selector}`)
      const mouse = { ...at, button: 'left', clickCount: 1 }
      for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased'])
        await send('Input.dispatchMouseEvent', { ...mouse, type })
    },
    press: (name) => key(name, name === 'Enter' ? '\r' : undefined),
    type: async (text) => void (await send('Input.insertText', { text })),
    picture: async () =>
      Buffer.from(
        textOr(objectOr(await send('Page.captureScreenshot', { format: 'png' }))['data'], ''),
        'base64',
      ),
    async [Symbol.asyncDispose]() {
      const closed = once(child, 'close')
      child.kill()
      await closed
      await profile.remove()
    },
  }
}

const keyCodes: Readonly<Record<string, number>> = {
  Tab: 9,
  Enter: 13,
  Escape: 27,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
}
