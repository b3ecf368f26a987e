#!/usr/bin/env node
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../src/core/show.ts'
import { createAuthority, issueLeaf } from './authority.ts'
import type { Names } from './inspect.ts'

const usage = `usage: npm run certs -- [--dir certs/local] [--host localhost,127.0.0.1]

Writes tls.crt, tls.key and ca.crt, for --webhook-cert-dir on this machine.`

const lifetimeDays = 365

type CommandEnd = { readonly exitCode: number; readonly message: string }

/** Exit codes are those of all commands: 0 fine, 4 usage, 5 output could not be written. */
export async function run(args: readonly string[], now: Date): Promise<CommandEnd> {
  let given: ReturnType<typeof options>
  try {
    given = options(args)
  } catch (error) {
    return { exitCode: 4, message: `${messageOf(error)}\n${usage}` }
  }
  const { dir, host, help } = given
  if (help) return { exitCode: 0, message: usage }
  const names = namesOf(host)
  if (typeof names === 'string') return { exitCode: 4, message: `${names}\n${usage}` }
  const authority = await createAuthority({ now, lifetimeDays })
  const leaf = await issueLeaf(authority, { ...names, now, lifetimeDays })
  try {
    await mkdir(dir, { recursive: true })
    await put(join(dir, 'ca.crt'), authority.certPem, 0o644)
    await put(join(dir, 'tls.key'), leaf.keyPem, 0o600)
    await put(join(dir, 'tls.crt'), leaf.certPem, 0o644)
  } catch (error) {
    const message = `can't write to ${dir}: ${messageOf(error)}; name a folder that can be written with --dir`
    return { exitCode: 5, message }
  }
  return { exitCode: 0, message: `wrote ca.crt, tls.key and tls.crt for ${host} to ${dir}` }
}

function options(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      dir: { type: 'string', default: 'certs/local' },
      host: { type: 'string', default: 'localhost,127.0.0.1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  return values
}

const dnsName = /^(?=.{1,253}$)(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i

function namesOf(host: string): Names | string {
  const hosts = host.split(',').map((one) => one.trim())
  const bad = hosts.find((one) => isIP(one) === 0 && !dnsName.test(one))
  if (bad !== undefined) return `--host: "${bad}" is neither a DNS name nor an IP address`
  return {
    dnsNames: hosts.filter((one) => isIP(one) === 0),
    ipAddresses: hosts.filter((one) => isIP(one) !== 0),
  }
}

/** Writes under another name and renames, so that nobody reads half a file, and the mode of an old file is not kept. */
async function put(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  await writeFile(draft, text, { mode, flag: 'wx' })
  await chmod(draft, mode)
  await rename(draft, path)
}

if (import.meta.main) {
  const { exitCode, message } = await run(process.argv.slice(2), new Date())
  const stream = exitCode === 0 ? process.stdout : process.stderr
  stream.write(`${message}\n`)
  process.exitCode = exitCode
}
