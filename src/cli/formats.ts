/** The forms of `-o`. */
export const formats = ['text', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

/** The forms of `kleym check -o`. */
export const reportFormats = ['text', 'json', 'yaml', 'github', 'sarif', 'junit'] as const
export type ReportFormat = (typeof reportFormats)[number]
