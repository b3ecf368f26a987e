import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../core/show.ts'

type NamedFile = readonly [flag: string, file: string]

/**
 * Problems of the files that flags name, found before anything is started. The files of `--webhook-cert-dir` are left
 * out, because the certificate may be issued later.
 */
export async function fileProblems({ metrics, webhook }: Config): Promise<readonly string[]> {
  const { address, secure, certificate } = metrics
  const named: NamedFile[] = []
  if (address && secure && certificate)
    for (const name of [certificate.cert, certificate.key])
      named.push(['--metrics-cert-path', join(certificate.directory, name)])
  if (webhook.address && webhook.clientCa !== undefined) named.push(['--webhook-client-ca', webhook.clientCa])
  const problems = await Promise.all(named.map(problemWith))
  return problems.filter((problem) => problem !== undefined)
}

async function problemWith([flag, file]: NamedFile): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim() === '' ? `${flag}: ${file} is empty` : undefined
  } catch (error) {
    return `${flag}: ${file} can't be read (${messageOf(error)}); correct the path or the permissions`
  }
}
