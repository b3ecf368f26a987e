/** The path of each program. */
export type Binaries = Readonly<Record<string, string>>

/** Programs that a Go module of this repository pins: what is built, and where it is looked for before. */
export type Toolset<Paths extends Binaries = Binaries> = {
  /** In a sentence: "the tests against … need Go". */
  readonly what: string
  /** The Go module, with whatever source of ours is in it. Its last name is that of the cache folder too. */
  readonly module: string
  /** The environment variable that names a directory with the programs, for who has them already. */
  readonly variable?: string
  /** All programs, each where `path` has it. */
  readonly at: (path: (program: string) => string) => Paths
  /** What `go install` calls a program that has another name here. */
  readonly builtAs?: Binaries
  /** What the linker is told, by the text of go.mod. */
  readonly linkerFlags: (goMod: string) => string
}

export const programsOf = ({ at }: Toolset): readonly string[] => Object.keys(at((program) => program))

/** The version that a go.mod requires of a module, as it is written there: `v1.2.3`. One module may be required in a line of its own. */
export function versionIn(goMod: string, module: string): string {
  const lines = goMod.split('\n').map((line) => line.trim().replace(/^require /, ''))
  const version = lines.find((line) => line.split(' ')[0] === module)?.split(' ')[1]
  if (version === undefined) throw new Error(`go.mod requires no ${module}`)
  return version
}
