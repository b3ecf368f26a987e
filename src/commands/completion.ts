import { completion } from '../cli/completion/completion.ts'
import type { CommandResult } from '../result.ts'

export const run = (argv: readonly string[]): Promise<CommandResult> => Promise.resolve(completion(argv))
