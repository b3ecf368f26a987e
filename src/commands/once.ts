import type { ParsedOptions } from '../cli/options.ts'
import { deferredReads } from '../reads/deferred.ts'
import type { OpenReads } from '../reads/reads.ts'
import { exitCodes, usage, type CommandResult } from '../result.ts'

/**
 * A command that looks, says and ends. What does the work is loaded by `command`: who only asks for help, or mistypes a flag, is
 * answered by the table of flags alone.
 */
export async function once<Options>(
  parsed: ParsedOptions<Options>,
  command: (options: Options, reads: OpenReads) => Promise<CommandResult>,
): Promise<CommandResult> {
  switch (parsed.kind) {
    case 'help':
      return { code: exitCodes.fine, stdout: parsed.text, stderr: '' }
    case 'usage':
      return usage(parsed.problems)
    case 'options': {
      const reads = deferredReads(parsed.cluster)
      try {
        return await command(parsed.options, reads)
      } finally {
        await reads.close()
      }
    }
  }
}
