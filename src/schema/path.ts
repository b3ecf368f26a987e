/** Where a field is: names and positions from the root of the object. */
export type Path = readonly (string | number)[]

/** As the API server writes it: `spec.targetPorts[0].number`. */
export const pathText = (path: Path): string =>
  path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
