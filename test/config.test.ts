import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeConfig, operatorConfig, type Config } from '../src/config.ts'
import { operatorFlags, operatorHelp } from '../src/flags/operator.ts'
import type { Environment, Flag } from '../src/flags/read.ts'
import { trustDomainProblem } from '../src/flags/values.ts'
import { configCases } from './support/vectors.ts'

const configurableReasons = ['IdentityCollision', 'InvalidPoolSelector', 'TargetPoolNotFound']
const read = (argv: readonly string[], env: Environment = {}) =>
  operatorConfig(argv, env, { configurableReasons })

const domain = '--trust-domain=example.org'

function configOf(argv: readonly string[], env: Environment = {}): Config {
  const result = read([domain, ...argv], env)
  if (result.kind !== 'config') throw new Error(JSON.stringify(result))
  return result.config
}

function problemsOf(argv: readonly string[], env: Environment = {}): readonly string[] {
  const result = read(argv, env)
  return result.kind === 'usage' ? result.problems : []
}

function warningsOf(argv: readonly string[]): readonly string[] {
  const result = read([domain, ...argv])
  return result.kind === 'config' ? result.warnings : []
}

describe('what the identities depend on', () => {
  test.each([
    ['nothing set', [], {}],
    ['a trust domain with a scheme', ['--trust-domain', 'spiffe://a.org'], {}],
    ['a trust domain with a path', ['--trust-domain', 'a.org/ns'], {}],
    ['a trust domain with a port', ['--trust-domain', 'a.org:443'], {}],
    ['a trust domain with white space', ['--trust-domain', ' a.org'], {}],
    ['a trust domain in upper case', ['--trust-domain', 'A.org'], {}],
    ['a trust domain that is too long', ['--trust-domain', 'a'.repeat(256)], {}],
    ['an empty flag over a good variable', ['--trust-domain='], { KLEYM_TRUST_DOMAIN: 'a.org' }],
    ['an empty variable', [], { KLEYM_TRUST_DOMAIN: '' }],
    ['a class with white space', ['--trust-domain=a.org', '--clusterspiffeid-class-name', ' k'], {}],
    ['a bad variable for the class', ['--trust-domain=a.org'], { KLEYM_CLUSTERSPIFFEID_CLASS_NAME: 'k\n' }],
  ] as const)('%s stops the start with one problem', (_, argv, env) => {
    expect(problemsOf(argv, env)).toHaveLength(1)
  })

  test.each(configCases)('worked case $id: $title', ({ flags, env, expect: wanted }) => {
    const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
    const result = read(argv, env)
    const { trustDomain = null, className = null } = result.kind === 'config' ? result.config : {}
    expect({ valid: result.kind === 'config', trustDomain, className }).toEqual(wanted)
  })

  test('a flag counts before its variable, a variable before nothing', () => {
    const env = { KLEYM_TRUST_DOMAIN: 'env.org', KLEYM_CLUSTERSPIFFEID_CLASS_NAME: 'from-env' }
    const fromEnv = read([], env)
    const fromFlags = read(['--trust-domain=flag.org', '--clusterspiffeid-class-name='], env)
    expect(fromEnv).toMatchObject({ config: { trustDomain: 'env.org', className: 'from-env' } })
    expect(fromFlags).toMatchObject({ config: { trustDomain: 'flag.org', className: undefined } })
  })

  test('an empty class in the environment is none', () => {
    expect(configOf([], { KLEYM_CLUSTERSPIFFEID_CLASS_NAME: '' }).className).toBeUndefined()
  })

  test('a problem names where the value came from, the value and the remedy', () => {
    expect(problemsOf([], { KLEYM_TRUST_DOMAIN: 'Example.org' })).toEqual([
      'KLEYM_TRUST_DOMAIN "Example.org": a trust domain is lower case ("E" at character 1); write "example.org"',
    ])
    expect(problemsOf(['-trust-domain', 'a.org/x'])[0]).toContain('-trust-domain "a.org/x"')
  })
})

describe('how flags are written', () => {
  test.each([
    [['--leader-elect'], true],
    [['-leader-elect'], true],
    [['--leader-elect=t'], true],
    [['-leader-elect=TRUE'], true],
    [['--leader-elect=1'], true],
    [['--leader-elect=false'], false],
    [['--leader-elect', '--leader-elect=F'], false],
    [['-leader-elect=0', '--leader-elect'], true],
    [[], false],
  ] as const)('%j leaves leader election %s', (argv, on) => {
    expect(configOf(argv).leaderElect).toBe(on)
  })

  test.each([['--context=a'], ['--context', 'a'], ['-context=a'], ['-context', 'a']])(
    'a value is read from %j %j',
    (...argv) => {
      expect(configOf(argv).context).toBe('a')
    },
  )

  test('the last of a flag wins, and a value may hold =', () => {
    expect(configOf(['--context', 'a', '--context=b=c']).context).toBe('b=c')
  })

  test.each([
    [['--trust-doman', 'example.org'], '--trust-doman: unknown flag; did you mean --trust-domain?'],
    [['--completely-else=x'], '--completely-else: unknown flag; see --help'],
    [['--context'], '--context: its value is missing; write --context=NAME'],
    [['--context', '--leader-elect'], '--context: its value is missing; write --context=NAME'],
    [
      ['--leader-elect=maybe'],
      '--leader-elect "maybe": a switch; write --leader-elect=true or --leader-elect=false',
    ],
    [['---context=a'], '"---context=a" is not a flag; write --FLAG=VALUE'],
    [['--=a'], '"--=a" is not a flag; write --FLAG=VALUE'],
    [
      ['--leader-elect', 'false'],
      'unexpected argument "false"; write flags only (a switch is turned off by --FLAG=false)',
    ],
    [['--', '--leader-elect'], 'unexpected argument "--leader-elect"'],
    [['--__proto__=a'], '--__proto__: unknown flag'],
  ] as const)('%j is refused', (argv, problem) => {
    expect(problemsOf([domain, ...argv])).toEqual([expect.stringContaining(problem)])
  })

  test.each([['-h'], ['--help'], ['-help'], ['--nonsense', '--help']])('%j %j asks for help', (...argv) => {
    expect(read(argv)).toEqual({ kind: 'help', text: operatorHelp })
  })

  test('any arguments and environment give an answer', () => {
    const word = fc.oneof(
      fc.constantFrom(
        ...Object.keys(operatorFlags).flatMap((name) => [`--${name}`, `-${name}=`, `--${name}=0`]),
      ),
      fc.constantFrom('--', '-', '--=', 'true', ':8081', 'https://a', '-x', '--zap-x', '__proto__=deny'),
      fc.string({ unit: 'binary' }),
    )
    const env = fc.record({ KLEYM_TRUST_DOMAIN: fc.option(fc.string(), { nil: undefined }) })
    fc.assert(
      fc.property(fc.array(word), env, (argv, variables) => {
        const result = read(argv, variables)
        expect(result.kind === 'usage' && result.problems.length === 0).toBe(false)
        expect(result.kind === 'config' && trustDomainProblem(result.config.trustDomain)).toBeFalsy()
      }),
    )
  })
})

describe('addresses', () => {
  test.each([
    [':8443', { host: '', port: 8443 }],
    ['127.0.0.1:9443', { host: '127.0.0.1', port: 9443 }],
    ['[::1]:9443', { host: '::1', port: 9443 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['0', undefined],
  ])('%s is understood, and shown as it was written', (text, address) => {
    const config = configOf([`--webhook-bind-address=${text}`])
    expect(config.webhook.address).toEqual(address)
    expect(describeConfig(config)['webhook-bind-address']).toBe(text)
  })

  test.each([
    ['', 'HOST:PORT'],
    ['9443', 'write :9443'],
    ['::1:9443', 'write [::1]:9443'],
    [':65536', 'up to 65535'],
    ['[127.0.0.1]:1', 'not an IPv6 address'],
    ['1.2.3:80', 'neither an IP address nor a host name'],
    ['*:80', 'or :80 for every address'],
    ['a b:80', 'neither'],
    ['host:', 'HOST:PORT'],
    [':-1', 'HOST:PORT'],
  ])('%j is refused with a remedy', (text, remedy) => {
    expect(problemsOf([domain, `--metrics-bind-address=${text}`])).toEqual([expect.stringContaining(remedy)])
  })

  test('two servers never share a port, unless the system chooses it', () => {
    expect(problemsOf([domain, '--metrics-bind-address=127.0.0.1:8081'])).toEqual([
      expect.stringContaining('both use port 8081'),
    ])
    expect(
      problemsOf([domain, '--metrics-bind-address=[::1]:1', '--webhook-bind-address=127.0.0.1:1']),
    ).toEqual([])
    expect(problemsOf([domain, '--metrics-bind-address=:0', '--webhook-bind-address=:0'])).toEqual([])
  })
})

describe('the webhook', () => {
  test.each([
    ['http://kleym.example', 'absolute https'],
    ['kleym.example/x', 'absolute https'],
    ['https:kleym.example', 'absolute https'],
    ['https:///x', 'absolute https'],
    ['https://kleym.example/x?', 'query'],
    ['https://kleym.example/x#', 'fragment'],
    ['https://me@kleym.example', 'user'],
    ['https://@kleym.example', 'user'],
    ['https://kleym.example /x', 'white space'],
    ['https://kleym.example:99999', 'not a URL'],
  ])('URL %s is refused', (url, why) => {
    expect(problemsOf([domain, '--webhook-url', url])).toEqual([expect.stringContaining(why)])
  })

  test.each([
    ['https://kleym.example:9443/', 'https://kleym.example:9443'],
    ['https://[::1]:9443/base/@/', 'https://[::1]:9443/base/@'],
    ['', undefined],
  ])('URL %j is taken as %s', (url, taken) => {
    expect(configOf(['--webhook-url', url]).webhook.url).toBe(taken)
  })

  test('its objects are called what flags say', () => {
    const argv = [
      '--webhook-validating-configuration=a.b',
      '--webhook-mutating-configuration=c',
      '--webhook-service=d',
      '--webhook-secret=e',
    ]
    expect(configOf(argv).webhook.names).toEqual({
      validating: 'a.b',
      mutating: 'c',
      service: 'd',
      secret: 'e',
    })
  })

  test.each([
    ['--webhook-validating-configuration=', 'not the name of an object'],
    ['--webhook-mutating-configuration=A', 'not the name of an object'],
    ['--webhook-service=1a', 'not the name of a Service'],
    ['--webhook-service=a.b', 'not the name of a Service'],
    ['--webhook-secret=a/b', 'not the name of an object'],
  ])('%s is refused', (flag, why) => {
    expect(problemsOf([domain, flag])).toEqual([expect.stringContaining(why)])
  })

  test('actions are set by reason, the last one wins', () => {
    const argv = ['IdentityCollision=warn', 'TargetPoolNotFound=deny', 'IdentityCollision=ignore']
    expect(configOf(argv.map((text) => `--webhook-action=${text}`)).webhook.actions.overrides).toEqual({
      IdentityCollision: 'ignore',
      TargetPoolNotFound: 'deny',
    })
  })

  test.each([
    ['IdentityCollision', 'write Reason=deny|warn|ignore'],
    ['IdentityColision=warn', 'did you mean IdentityCollision?'],
    ['UnsupportedMode=warn', 'write one of IdentityCollision, InvalidPoolSelector, TargetPoolNotFound'],
    ['IdentityCollision=allow', '"allow" is no action; write IdentityCollision=deny|warn|ignore'],
    ['IdentityCollision=warn=x', '"warn=x" is no action'],
  ])('action %s is refused', (text, remedy) => {
    expect(problemsOf([domain, `--webhook-action=${text}`])).toEqual([expect.stringContaining(remedy)])
  })

  test.each(['webhook-on-references', 'webhook-on-loss'])('--%s takes an action', (flag) => {
    expect(configOf([`--${flag}=ignore`]).webhook.actions).toMatchObject(
      flag === 'webhook-on-loss' ? { onLoss: 'ignore' } : { onReferences: 'ignore' },
    )
    expect(problemsOf([domain, `--${flag}=refuse`])).toEqual([
      `--${flag} "refuse": no action; write deny, warn, ignore`,
    ])
    expect(warningsOf(['--webhook-bind-address=0', `--${flag}=deny`])).toEqual([
      `--${flag} does nothing while the webhook is off`,
    ])
  })

  test.each(['webhook-url', 'webhook-cert-dir', 'webhook-client-ca', 'webhook-action', 'webhook-secret'])(
    '--%s is reported as idle when it is off',
    (name) => {
      const values: Readonly<Record<string, string>> = {
        'webhook-url': 'https://example.org/',
        'webhook-action': 'IdentityCollision=warn',
      }
      expect(warningsOf(['--webhook-bind-address=0', `--${name}=${values[name] ?? 'something'}`])).toEqual([
        `--${name} does nothing while the webhook is off`,
      ])
    },
  )

  test('the names that the Deployment in deploy gives in any case are not', () => {
    const names = ['webhook-service', 'webhook-validating-configuration', 'webhook-mutating-configuration']
    const argv = ['--webhook-bind-address=0', ...names.map((name) => `--${name}=mine`)]
    expect(warningsOf(argv)).toEqual([])
  })
})

describe('the other flags', () => {
  test('the defaults are those of the contract', () => {
    expect(configOf([])).toEqual({
      trustDomain: 'example.org',
      className: undefined,
      departures: { trustDomains: [], classNames: [] },
      kubeconfig: undefined,
      context: undefined,
      namespace: 'kleym-system',
      leaderElect: false,
      logLevel: 'info',
      probes: { address: { host: '', port: 8081 } },
      metrics: { address: undefined, secure: true, certificate: undefined },
      webhook: {
        address: { host: '', port: 9443 },
        url: undefined,
        certDir: undefined,
        clientCa: undefined,
        names: {
          validating: 'kleym-validating-webhook-configuration',
          mutating: 'kleym-mutating-webhook-configuration',
          service: 'kleym-operator-webhook-service',
          secret: 'kleym-operator-webhook-cert',
        },
        workloads: true,
        actions: { overrides: {}, onReferences: 'deny', onLoss: 'warn' },
      },
    })
  })

  test('pods are looked at unless that is switched off', () => {
    expect(configOf(['--workloads=false']).webhook.workloads).toBe(false)
    expect(configOf(['--workloads']).webhook.workloads).toBe(true)
    expect(problemsOf([domain, '--workloads=maybe'])).toEqual([expect.stringContaining('--workloads')])
    expect(warningsOf(['--workloads=false', '--webhook-bind-address=0'])).toEqual([
      '--workloads does nothing while the webhook is off',
    ])
  })

  test('what may be left of former settings can be named more than once, no class by an empty text', () => {
    const config = configOf([
      '--trust-domain-change=old.org',
      '--trust-domain-change=older.org',
      '--clusterspiffeid-class-change=gpu',
      '--clusterspiffeid-class-change=',
    ])
    expect(config.departures).toEqual({
      trustDomains: ['old.org', 'older.org'],
      classNames: ['gpu', undefined],
    })
    expect(describeConfig(config)).toMatchObject({
      'trust-domain-change': ['old.org', 'older.org'],
      'clusterspiffeid-class-change': ['gpu', ''],
    })
    expect(problemsOf([domain, '--trust-domain-change=Old.org'])).toEqual([
      expect.stringContaining('--trust-domain-change "Old.org"'),
    ])
    expect(problemsOf([domain, '--trust-domain-change='])).toEqual([expect.stringContaining('empty')])
  })

  test('without a trust domain it is said where a cluster has it from', () => {
    expect(problemsOf([])).toEqual([
      expect.stringContaining('KLEYM_TRUST_DOMAIN of ConfigMap kleym-operator-config'),
    ])
  })

  test('the namespace is the given one, else that of the pod', () => {
    const surroundings = { configurableReasons, podNamespace: 'pod' }
    expect(operatorConfig([domain], {}, surroundings)).toMatchObject({ config: { namespace: 'pod' } })
    expect(operatorConfig([domain, '--namespace=me'], {}, surroundings)).toMatchObject({
      config: { namespace: 'me' },
    })
    expect(problemsOf([domain, '--namespace=Me'])).toEqual([expect.stringContaining('--namespace "Me"')])
  })

  test.each([
    ['--log-level=debug', 'debug'],
    ['--zap-log-level=warn', 'warn'],
    ['--zap-log-level=ERROR', 'error'],
    ['--zap-log-level=panic', 'error'],
    ['--zap-log-level=5', 'debug'],
  ])('%s logs from %s on', (flag, level) => {
    expect(configOf([flag]).logLevel).toBe(level)
  })

  test.each(['--log-level=', '--log-level=verbose', '--zap-log-level=-1', '--zap-log-level=0'])(
    '%s is refused',
    (flag) => {
      expect(problemsOf([domain, flag])).toEqual([expect.stringContaining('write debug, info, warn, error')])
    },
  )

  test('certificate files of the metrics server need their directory', () => {
    expect(problemsOf([domain, '--metrics-cert-name=a.crt', '--metrics-cert-key=a.key'])).toHaveLength(2)
    const argv = ['--metrics-bind-address=:8443', '--metrics-cert-path=/c', '--metrics-cert-name=a.crt']
    expect(configOf(argv).metrics.certificate).toEqual({ directory: '/c', cert: 'a.crt', key: 'tls.key' })
    expect(warningsOf(argv)).toEqual([])
    expect(warningsOf([...argv, '--metrics-secure=false'])).toEqual([
      '--metrics-cert-path does nothing while --metrics-secure is false',
      '--metrics-cert-name does nothing while --metrics-secure is false',
    ])
    expect(warningsOf([...argv, '--metrics-bind-address=0', '--metrics-secure'])).toEqual(
      ['secure', 'cert-path', 'cert-name'].map(
        (name) => `--metrics-${name} does nothing while metrics are off`,
      ),
    )
    expect(problemsOf([domain, ...argv, '--metrics-cert-key=../a.key'])).toHaveLength(1)
  })

  test('what only the former operator knows is accepted with a warning each', () => {
    const argv = [
      '--enable-http2',
      '--zap-encoder',
      'json',
      '--zap-devel=false',
      '--zap-new',
      'x',
      '--leader-elect',
    ]
    expect(warningsOf(argv)).toEqual(
      ['--enable-http2', '--zap-encoder', '--zap-devel', '--zap-new'].map((flag) =>
        expect.stringContaining(flag),
      ),
    )
    expect(configOf(argv).leaderElect).toBe(true)
  })
})

test('every mistake is reported at once', () => {
  const argv = [
    '--leader-elect=x',
    '--webhook-url=http://a',
    '--log-level=x',
    '--namespace=_',
    '--what',
    'stray',
    'y',
  ]
  const problems = problemsOf(argv, { KLEYM_CLUSTERSPIFFEID_CLASS_NAME: ' ' })
  for (const name of [
    '--leader-elect',
    '--webhook-url',
    '--log-level',
    '--namespace',
    '--what',
    '"y"',
    '--trust-domain',
    'KLEYM_CLUSTERSPIFFEID_CLASS_NAME',
  ]) {
    expect(problems.filter((problem) => problem.includes(name))).toHaveLength(1)
  }
  expect(problems).toHaveLength(8)
})

test('a configuration is frozen to its leaves', () => {
  const config = configOf(['--webhook-action=IdentityCollision=warn'])
  const unfrozen = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    (!Object.isFrozen(value) || Object.values(value).some((inner) => unfrozen(inner)))
  expect(unfrozen(config)).toBe(false)
})

test('help and the logged values know every flag that means something', () => {
  const names = Object.entries<Flag>(operatorFlags).flatMap(([name, flag]) => (flag.ignored ? [] : [name]))
  expect(Object.keys(describeConfig(configOf([]))).toSorted()).toEqual(names.toSorted())
  for (const name of names) expect(operatorHelp).toContain(`  --${name}`)
  expect(operatorHelp).toContain('KLEYM_TRUST_DOMAIN')
  expect(operatorHelp).not.toContain('zap-devel')
})

test('the logged values, given as flags, are the same configuration', () => {
  const config = configOf([
    '--metrics-bind-address=127.0.0.1:1',
    '--metrics-cert-path=/c',
    '--webhook-bind-address=[::1]:2',
    '--webhook-action=IdentityCollision=warn',
    '--workloads=false',
    '--leader-elect',
  ])
  const argv = Object.entries(describeConfig(config)).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((item) => `--${name}=${item}`) : [`--${name}=${String(value)}`],
  )
  expect(read(argv)).toEqual({ kind: 'config', config, warnings: [] })
})
