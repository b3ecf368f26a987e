/** The last segment of a webhook's path, which whoever knows it can call the webhook by. */
const token = /\/([0-9a-f]{64})(?![0-9a-f])/g

/**
 * What the API server says of a call of a webhook that failed holds the whole URL, and whatever it says ends in logs,
 * events and statuses. Returns it without tokens, and those that it held.
 */
export function hideTokens(text: string): { readonly text: string; readonly tokens: readonly string[] } {
  const tokens = [...text.matchAll(token)].flatMap(([, found]) => found ?? [])
  return tokens.length === 0 ? { text, tokens } : { text: text.replaceAll(token, '/…'), tokens }
}
