/** The part of the master's `cluster` object that routing reads. */
export interface ClusterEntry {
  readonly name?: string
  readonly cluster_id?: string
  readonly leader_info?: { readonly hostname?: string; readonly port?: number; readonly pid?: string }
}

/** The part of the master's `agent` objects that routing reads. */
export interface AgentEntry {
  readonly id: string
  readonly pid?: string
  readonly hostname?: string
}

/** `name@host:port` -> `http://host:port`; undefined for anything else. */
export function originOfPid(pid: string | undefined): string | undefined {
  const found = /^[^@]*@((?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:.]+\]):(\d{1,5})$/i.exec(pid ?? '')
  return found ? `http://${found[1]}:${found[2]}` : undefined
}

/** Where the components are, from the master's feed; pure. */
export class Upstreams {
  #leader: string | undefined
  #cluster: ClusterEntry = {}
  readonly #agents = new Map<string, string>()
  readonly #hostnames = new Map<string, string>()

  putCluster(cluster: ClusterEntry): void {
    this.#cluster = cluster
    this.#leader = originOfPid(cluster.leader_info?.pid) ?? this.#leader
  }

  putAgent(agent: AgentEntry): void {
    const origin = originOfPid(agent.pid)
    if (origin) this.#agents.set(agent.id, origin)
    else this.#agents.delete(agent.id)
    if (agent.hostname) this.#hostnames.set(agent.id, agent.hostname)
  }

  deleteAgent(id: string): void {
    this.#agents.delete(id)
    this.#hostnames.delete(id)
  }

  /** The leading master's origin, or the last one known. */
  get leader(): string | undefined {
    return this.#leader
  }

  get cluster(): ClusterEntry {
    return this.#cluster
  }

  agent(id: string): string | undefined {
    return this.#agents.get(id)
  }

  hostname(id: string): string | undefined {
    return this.#hostnames.get(id)
  }

  agentIds(): string[] {
    return [...this.#agents.keys()]
  }
}
