/** The sum of a metric's samples, as the operator serves them at this address. */
export async function metric(address: string, name: string): Promise<number> {
  const reply = await fetch(`http://${address}/metrics`)
  const samples = (await reply.text()).split('\n').filter((line) => /^[^{ ]*/.exec(line)?.[0] === name)
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
