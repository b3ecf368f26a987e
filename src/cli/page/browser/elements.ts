/** Texts only ever become text nodes and attributes: no markup is made of what comes from a cluster. */
type Made = {
  readonly class?: string
  readonly text?: string
  readonly attributes?: { readonly [name: string]: string }
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  made: Made = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const one = document.createElement(name)
  if (made.class !== undefined) one.className = made.class
  if (made.text !== undefined) one.textContent = made.text
  for (const [attribute, value] of Object.entries(made.attributes ?? {})) one.setAttribute(attribute, value)
  one.append(...children)
  return one
}

function svg(name: 'svg' | 'path', attributes: { readonly [name: string]: string }): SVGElement {
  const one = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [attribute, value] of Object.entries(attributes)) one.setAttribute(attribute, value)
  return one
}

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
