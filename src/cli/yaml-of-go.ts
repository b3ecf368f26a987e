import { Schema, type ScalarTag, type Tags } from 'yaml'

/**
 * go-yaml, which kubectl uses, reads dates, sexagesimal numbers and numbers that are too large as text, 0o17 as a number, and
 * what is tagged `!!binary` as the text in it.
 */
const asInGo = (tags: Tags): Tags => [
  octal,
  ...tags
    .filter((tag) => typeof tag === 'string' || !(tag.format === 'TIME' || tag.tag.endsWith(':timestamp')))
    .map((tag) =>
      typeof tag === 'string' || tag.collection
        ? tag
        : tag.tag.endsWith(':binary')
          ? binary
          : /:(?:int|float)$/.test(tag.tag)
            ? finite(tag)
            : tag,
    ),
]

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[oO][0-7][0-7_]*$/,
  resolve: (source) => {
    const size = Number(source.replaceAll('_', '').replace(/^[-+]/, ''))
    return source.startsWith('-') ? -size : size
  },
}

const binary: ScalarTag = {
  tag: 'tag:yaml.org,2002:binary',
  default: false,
  resolve: (source) => Buffer.from(source, 'base64').toString(),
}

/** The same tag, but for a number that is too large, which is left as it is written. `.inf` and `.nan` are meant. */
const finite = (tag: ScalarTag): ScalarTag => ({
  ...tag,
  resolve: (source, ...rest) => {
    const value = tag.resolve(source, ...rest)
    const isTooLarge = typeof value === 'number' && !Number.isFinite(value) && /\d/.test(source)
    return isTooLarge ? source : value
  },
})

/** YAML 1.1 with merge keys. Made once: to make it again for each of thousands of documents takes as long as to read them. */
export const yamlOfGo = new Schema({ schema: 'yaml-1.1', customTags: asInGo })
