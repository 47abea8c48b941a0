import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, link, lstat, mkdir, rm, symlink } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { type DownloadLimits, limitBytes } from './download.ts'

/** Entries of one archive at most. */
const maxEntries = 200_000

/**
 * Extracts an archive into a folder by what its name says. Names and links that lead out of the folder, device nodes and
 * fifos are refused, and nothing is written through a symbolic link.
 * @returns the number of entries; undefined when it is no archive
 * @throws {Error} saying what is wrong
 */
export async function extractArchive(
  path: string,
  folder: string,
  limits: DownloadLimits,
): Promise<number | undefined> {
  const name = path.toLowerCase()
  if (/\.(tar|tgz|tar\.gz)$/.test(name)) return untar(path, folder, !name.endsWith('.tar'), limits)
  if (name.endsWith('.gz')) return gunzip(path, limits)
  const unsupported = /\.(tbz2|tar\.bz2|txz|tar\.xz|zip)$/.exec(name)?.[1]
  if (unsupported !== undefined)
    throw new Error(
      `${unsupported} archives can not be extracted by this agent yet; use .tar.gz, or set extract to false and extract it in the command`,
    )
  return undefined
}

async function gunzip(path: string, limits: DownloadLimits): Promise<number> {
  const target = path.replace(/\.gz$/i, '')
  await pipeline(createReadStream(path), createGunzip(), limitBytes(limits.maxBytes), createWriteStream(target), {
    signal: limits.signal,
  })
  return 1
}

async function untar(path: string, folder: string, isZipped: boolean, limits: DownloadLimits): Promise<number> {
  const unpacker = extract()
  const limiter = limitBytes(limits.maxBytes)
  const source = createReadStream(path)
  const feeding = isZipped
    ? pipeline(source, createGunzip(), limiter, unpacker, { signal: limits.signal })
    : pipeline(source, limiter, unpacker, { signal: limits.signal })
  let entries = 0
  // The reading side ends by the same error; which of the two is told does not matter.
  feeding.catch(() => {})
  for await (const entry of unpacker) {
    if (entries >= maxEntries) throw new Error(`the archive has more than ${maxEntries} entries`)
    await writeEntry(entry.header, entry, folder)
    entry.resume()
    entries++
  }
  await feeding
  return entries
}

async function writeEntry(header: Header, content: AsyncIterable<unknown>, folder: string): Promise<void> {
  const { name, type, mode = 0o644, linkname } = header
  const relative = insideOf(name, 'an entry')
  if (relative === '.') return
  const target = join(folder, relative)
  await refuseLinkedParents(folder, relative)
  if (type === 'directory') {
    await mkdir(target, { recursive: true })
    return
  }
  await mkdir(dirname(target), { recursive: true })
  await rm(target, { force: true })
  if (type === 'file' || type === 'contiguous-file') {
    await pipeline(content, createWriteStream(target, { flags: 'wx' }))
    // Set-user-id and the like do not come out of an archive.
    await chmod(target, mode & 0o777)
  } else if (type === 'symlink') await symlink(checkSymlink(relative, linkname ?? ''), target)
  else if (type === 'link') {
    const from = insideOf(linkname ?? '', 'a link')
    await refuseLinkedParents(folder, from)
    if ((await lstat(join(folder, from))).isSymbolicLink()) throw new Error(`the archive links to a link: ${from}`)
    await link(join(folder, from), target)
  } else
    throw new Error(
      `the archive holds '${shown(name)}' of the type ${type}; only files, folders and links are extracted`,
    )
}

/** A name in an archive as a path below the folder. */
function insideOf(name: string, what: string): string {
  const plain = normalize(name).replace(/\/+$/, '')
  if (name === '' || name.includes('\0') || isAbsolute(name) || plain === '..' || plain.startsWith('../'))
    throw new Error(`the archive has ${what} that leads out of the sandbox: '${shown(name)}'`)
  return plain === '' ? '.' : plain
}

function checkSymlink(at: string, target: string): string {
  const resolved = normalize(join(dirname(at), target))
  // '..' after a name could step out of a folder that another link of the archive leads to.
  const climbsAfterName = /(^|\/)(?!\.\.?(\/|$))[^/]+\/(.*\/)?\.\.(\/|$)/.test(target)
  const leadsOut = isAbsolute(target) || resolved === '..' || resolved.startsWith('../') || climbsAfterName
  if (target === '' || target.includes('\0') || leadsOut)
    throw new Error(
      `the archive has a symbolic link that leads out of the sandbox: '${shown(at)}' to '${shown(target)}'`,
    )
  return target
}

/** No folder on the way to an entry may be a symbolic link: it could have been made to lead elsewhere. */
async function refuseLinkedParents(folder: string, relative: string): Promise<void> {
  const parts = relative.split('/').slice(0, -1)
  let path = folder
  for (const part of parts) {
    path = join(path, part)
    const found = await lstat(path).catch(() => undefined)
    if (found === undefined) return
    if (found.isSymbolicLink()) throw new Error(`the archive writes through a symbolic link: '${shown(relative)}'`)
  }
}

function shown(name: string): string {
  return name.slice(0, 200)
}
