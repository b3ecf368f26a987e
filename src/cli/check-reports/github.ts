import type { Checked } from '../assess.ts'
import { placedTextOf, placeOf, messagesOf } from '../check-messages.ts'

/** Workflow commands of GitHub Actions. Each makes an annotation at its line in a pull request. */
export const githubOf = (all: readonly Checked[]): string =>
  all
    .flatMap((checked) =>
      messagesOf(checked).flatMap((message) => {
        const { action, line, reason } = message
        const command = action === 'deny' ? 'error' : 'warning'
        const place = placeOf(checked)
        const where = place ? [`file=${property(place.file)}`, `line=${line ?? place.line}`] : []
        const properties = [...where, `title=${property(reason)}`].join(',')
        return [`::${command} ${properties}::${data(placedTextOf(message, checked))}\n`]
      }),
    )
    .join('')

const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
