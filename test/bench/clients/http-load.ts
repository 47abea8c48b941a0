import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Agent, get } from 'node:http'

const wrk = '/usr/bin/wrk'
const connections = 64

/** By what requests are sent: `wrk` where it is installed; else Node.js, which may be the limit itself. */
export const httpLoadBy = (): string => (existsSync(wrk) ? 'wrk' : 'a client in Node.js')

/** Requests a second that are answered with 200, on 64 kept connections. */
export async function httpLoad(url: string, seconds: number): Promise<number> {
  return existsSync(wrk) ? byWrk(url, seconds) : byNode(url, seconds)
}

function byWrk(url: string, seconds: number): number {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, url]
  const { stdout } = spawnSync(wrk, args, { encoding: 'utf8', timeout: (seconds + 20) * 1000 })
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
  if (!(rate > 0) || /Non-2xx|Socket errors/.test(stdout))
    throw new Error(`not every request succeeded: ${stdout.slice(-300)}`)
  return rate
}

async function byNode(url: string, seconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const until = performance.now() + seconds * 1000
  const begun = performance.now()
  let answered = 0
  const one = () =>
    new Promise<void>((resolve, reject) => {
      get(url, { agent }, response => {
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
        response.resume()
        response.once('end', resolve)
      }).once('error', reject)
    })
  const client = async () => {
    while (performance.now() < until) {
      await one()
      answered += 1
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  agent.destroy()
  return answered / ((performance.now() - begun) / 1000)
}
