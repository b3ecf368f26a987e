import { completion } from '../cli/completion/completion.ts'
import type { CommandResult } from '../cli/result.ts'

export const run = (argv: readonly string[]): Promise<CommandResult> => Promise.resolve(completion(argv))
