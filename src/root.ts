/**
 * The folder in which `deploy` is: that of the repository, of the image or of the package. The files of the bundle are
 * one folder below it, as this one is.
 */
export const root = new URL('..', import.meta.url)
