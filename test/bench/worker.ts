import { fork } from 'node:child_process'
import { once } from 'node:events'

export type Answer = Readonly<Record<string, unknown>>

/** A process of its own, with its own event loop and heap, that answers one question at a time. */
export type Worker = AsyncDisposable & { readonly ask: (question: string) => Promise<Answer> }

export function startWorker(file: URL, args: readonly string[], nodeFlags: readonly string[] = []): Worker {
  const child = fork(file, args, { execArgv: [...nodeFlags] })
  const ended = once(child, 'exit')
  return {
    ask: async (question) => {
      const answered = once(child, 'message')
      child.send(question)
      const first = await Promise.race([answered, ended.then(() => undefined)])
      const answer: unknown = first?.[0]
      if (!isAnswer(answer))
        throw new Error(`${file.pathname} ended, or answered nonsense, when asked ${question}`)
      return answer
    },
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await ended
    },
  }
}

/** Answers questions, in the process that was started for that. It ends when the process that asks ends. */
export function answerAs(answer: (question: string) => Answer | Promise<Answer>): void {
  const reply = async (question: string): Promise<void> => {
    const answered = await answer(question)
    process.send?.(answered)
  }
  process.on('message', (question) => {
    if (typeof question === 'string') void reply(question)
  })
  process.once('disconnect', () => process.kill(process.pid))
}

const isAnswer = (value: unknown): value is Answer => typeof value === 'object' && value !== null

export function numberIn(answer: Answer, name: string): number {
  const value = answer[name]
  if (typeof value !== 'number') throw new Error(`the answer has no number ${name}`)
  return value
}

export function textIn(answer: Answer, name: string): string {
  const value = answer[name]
  if (typeof value !== 'string') throw new Error(`the answer has no text ${name}`)
  return value
}

/** Of this process, user and system together. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
