/** RFC 9110, 5.6.4, in a `Warning` header as the API server writes it: code 299, no agent, no date. */
const warning = /299 \S+ "((?:\\.|[^"\\])*)"/g

/** The texts of an answer's warnings. */
export const warningsIn = (header: string | readonly string[] | undefined): readonly string[] =>
  [header ?? []]
    .flat()
    .flatMap((line) => [...line.matchAll(warning)].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1')))
