import { isAbsolute, join, normalize } from 'node:path'
import type { CommandInfo, ContainerInfo, Environment, Resource, Volume } from '@meseta/common/protocol/mesos'
import type { SandboxLink, VolumeLink } from '../containers/launcher.ts'
import { volumePath } from '../volumes/volumes.ts'

/** What a plain process can not be given, in a sentence for the task's status; undefined when it can have all it asks for. */
export function unsupported(container: ContainerInfo | undefined): string | undefined {
  if (container === undefined) return undefined
  if (container.type === 'DOCKER' || container.mesos?.image !== undefined)
    return 'this agent runs plain processes; images come with the container launchers, which are not there yet'
  const named = container.network_infos?.find(network => network.name !== undefined)
  if (named)
    return `this agent runs plain processes in the host's network; the network '${named.name}' needs a container launcher`
  if (container.network_infos?.some(network => (network.port_mappings?.length ?? 0) > 0))
    return "this agent runs plain processes in the host's network; port mappings need a container launcher"
  if (container.tty_info !== undefined)
    return 'this agent runs plain processes without terminals; tty_info needs a container launcher'
  if ((container.rlimit_info?.rlimits?.length ?? 0) > 0)
    return 'this agent runs plain processes; rlimit_info needs a container launcher'
  const { linux_info: linux } = container
  if (linux?.effective_capabilities ?? linux?.bounding_capabilities ?? linux?.capability_info ?? linux?.seccomp)
    return 'this agent runs plain processes; capabilities and seccomp profiles need a container launcher'
  return undefined
}

/** Why a command can not be run; undefined when it can. */
export function badCommand(command: CommandInfo | undefined): string | undefined {
  if (command?.value === undefined || command.value === '') return "the command has no 'value'"
  return badEnvironment(command.environment)
}

export function badEnvironment(environment: Environment | undefined): string | undefined {
  for (const { name, type, value, secret } of environment?.variables ?? []) {
    const shown = JSON.stringify(name.slice(0, 80))
    if (name === '' || name.includes('=') || name.includes('\0'))
      return `${shown} is no name for an environment variable`
    if (type === 'SECRET' && secret?.value === undefined)
      return `the environment variable ${shown} refers to a secret store, which this agent does not have`
    if (value?.includes('\0')) return `the value of the environment variable ${shown} holds a NUL character`
  }
  return undefined
}

/**
 * The volumes of a container as links in its sandbox: sandbox paths of its own (SELF) or of its executor (PARENT).
 * @returns the links, or the reason for which one can not be had, as a sentence
 */
export function volumeLinks(
  volumes: readonly Volume[],
  sandbox: string,
  parent: string | undefined,
): readonly SandboxLink[] | string {
  const links: SandboxLink[] = []
  for (const volume of volumes) {
    const link = volumeLink(volume, sandbox, parent)
    if (typeof link === 'string') return link
    links.push(link)
  }
  return links
}

function volumeLink(volume: Volume, sandbox: string, parent: string | undefined): SandboxLink | string {
  const { container_path: path, source } = volume
  const shown = JSON.stringify(path.slice(0, 200))
  if (!isInside(path)) return `the volume at ${shown} lies outside the sandbox, which needs a container launcher`
  if (volume.image !== undefined) return `the volume at ${shown} is an image, which needs a container launcher`
  if (source?.type !== 'SANDBOX_PATH')
    return `the volume at ${shown} is of the kind ${source?.type ?? 'HOST_PATH'}, which needs a container launcher`
  const { type, path: from = '' } = source.sandbox_path ?? {}
  if (!isInside(from)) return `the volume at ${shown} leads out of the sandbox`
  const root = parent ?? sandbox
  if (type !== 'PARENT') return { root, path: join(sandbox, path), target: join(sandbox, from) }
  if (parent === undefined) return `the volume at ${shown} is of the parent's sandbox, and this container has no parent`
  return { root, path: join(sandbox, path), target: join(parent, from) }
}

/**
 * The persistent volumes among the resources of a task or executor as links in its sandbox. `root`: the sandbox of the executor.
 * @returns the links, or the reason for which one can not be had, as a sentence
 */
export function persistentVolumes(
  resources: readonly Resource[] = [],
  sandbox: string,
  root: string,
  workDir: string,
): readonly VolumeLink[] | string {
  const links: VolumeLink[] = []
  for (const resource of resources) {
    const { disk, shared } = resource
    if (disk?.persistence === undefined) continue
    const path = disk.volume?.container_path ?? ''
    if (!isInside(path))
      return `the persistent volume at ${JSON.stringify(path.slice(0, 200))} lies outside the sandbox, which needs a container launcher`
    const target = volumePath(workDir, resource)
    links.push({ root, path: join(sandbox, path), target, isShared: shared !== undefined })
  }
  return links
}

function isInside(path: string): boolean {
  const plain = normalize(path)
  return path !== '' && !path.includes('\0') && !isAbsolute(path) && plain !== '..' && !plain.startsWith('../')
}
