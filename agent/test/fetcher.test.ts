import { existsSync } from 'node:fs'
import { lstat, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import type { CommandInfoURI } from '@meseta/common/protocol/mesos'
import { systemClock } from '@meseta/common/service/clock'
import t, { type Test } from 'tap'
import { type Header, pack } from 'tar-stream'
import { outputName } from '../src/fetcher/fetch-uris.ts'
import { Fetcher } from '../src/fetcher/fetcher.ts'
import { tempFolder } from './harness.ts'

type Entry = [Partial<Header> & { name: string }, string?]

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack()
  for (const [header, content = ''] of entries) archive.entry(header, content)
  archive.finalize()
  return buffer(archive)
}

async function setUp(test: Test, maxBytes = 1_000_000) {
  const folder = await tempFolder(test)
  const sandbox = join(folder, 'sandbox')
  await mkdir(sandbox)
  const fetcher = new Fetcher({ maxBytes, timeout: 2_000, stallTimeout: 1_000, frameworksHome: folder }, systemClock)
  const fetch = (uris: CommandInfoURI[]) =>
    fetcher.fetch(
      { id: { value: 'c' }, directory: sandbox, argv: [], environment: {}, uris, links: [], volumes: [] },
      undefined,
      new AbortController().signal,
    )
  const read = (name: string) => readFile(join(sandbox, name), 'utf8')
  return { folder, sandbox, fetcher, fetch, read }
}

t.test('files, paths and http come into the sandbox under the right names', async test => {
  const { folder, sandbox, fetch, read, fetcher } = await setUp(test)
  await writeFile(join(folder, 'tool.sh'), 'echo tool')
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/moved')) response.writeHead(302, { location: '/data?x=1' }).end()
    else if (request.url === '/round') response.writeHead(302, { location: '/round' }).end()
    else if (request.url === '/file') response.writeHead(302, { location: 'file:///etc/passwd' }).end()
    else if (request.url === '/cut')
      response.writeHead(200, { 'content-length': 100 }).write('x', () => response.destroy())
    else if (request.url === '/missing') response.writeHead(404).end('no')
    else response.end(`body of ${request.url}`)
  }).listen(0, '127.0.0.1')
  test.teardown(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await fetch([
    { value: join(folder, 'tool.sh'), executable: true },
    { value: `file://${folder}/tool.sh`, output_file: 'bin/again.sh' },
    { value: 'tool.sh', output_file: 'relative.sh' },
    { value: `${origin}/data?x=1` },
    { value: `${origin}/moved`, output_file: 'moved' },
  ])
  test.equal((await stat(join(sandbox, 'tool.sh'))).mode & 0o777, 0o755)
  test.equal(await read('bin/again.sh'), 'echo tool')
  test.equal(await read('relative.sh'), 'echo tool')
  test.equal(await read('data?x=1'), 'body of /data?x=1')
  test.equal(await read('moved'), 'body of /data?x=1')
  test.match(await read('stderr'), /^fetcher: fetching .*tool\.sh to tool\.sh$/m)
  await test.rejects(fetch([{ value: `${origin}/missing` }]), {
    reason: 'REASON_CONTAINER_LAUNCH_FAILED',
    message: /Failed to fetch all URIs.*\/missing: the server answered 404/,
  })
  await test.rejects(fetch([{ value: `${origin}/round` }]), /redirects more than 10 times/)
  await test.rejects(fetch([{ value: `${origin}/file` }]), /redirects to the scheme file/)
  await test.rejects(fetch([{ value: `${origin}/cut` }]), /\/cut: aborted/)
  test.strictSame(fetcher.counts, { succeeded: 1, failed: 4 })
})

t.test('archives are extracted by their names', async test => {
  const { folder, sandbox, fetch, read } = await setUp(test)
  const archive = await tar([
    [{ name: 'dir/', type: 'directory' }],
    [{ name: 'dir/run', mode: 0o4755 }, 'hello'],
    [{ name: './link', type: 'symlink', linkname: 'dir/run' }],
    [{ name: 'dir/hard', type: 'link', linkname: 'dir/run' }],
  ])
  await writeFile(join(folder, 'a.tar'), archive)
  await writeFile(join(folder, 'b.tgz'), gzipSync(await tar([[{ name: 'from-tgz' }, 'zipped']])))
  await writeFile(join(folder, 'c.txt.gz'), gzipSync('plain'))
  await writeFile(join(folder, 'd.tar.xz'), 'x')
  await fetch([{ value: 'a.tar' }, { value: 'b.tgz' }, { value: 'c.txt.gz' }])
  test.equal(await read('link'), 'hello')
  test.equal(await read('dir/hard'), 'hello')
  test.equal((await stat(join(sandbox, 'dir/run'))).mode & 0o7777, 0o755, 'no set-user-id bit comes along')
  test.equal(await read('from-tgz'), 'zipped')
  test.equal(await read('c.txt'), 'plain')
  test.notOk(existsSync(join(sandbox, 'a.tar')))
  await test.rejects(fetch([{ value: 'd.tar.xz' }]), /tar\.xz archives can not be extracted by this agent yet/)
  await fetch([{ value: 'd.tar.xz', extract: false }])
  test.equal(await read('d.tar.xz'), 'x')
})

t.test('hostile archives are refused and write nothing outside', async test => {
  const hostile: [string, readonly Entry[], RegExp][] = [
    ['climbing', [[{ name: '../escape' }, 'x']], /leads out of the sandbox: '\.\.\/escape'/],
    ['climbing inside', [[{ name: 'a/../../escape' }, 'x']], /leads out of the sandbox/],
    ['absolute', [[{ name: '/tmp/meseta-escape' }, 'x']], /leads out of the sandbox/],
    ['absolute link', [[{ name: 'l', type: 'symlink', linkname: '/etc' }]], /symbolic link that leads out/],
    ['climbing link', [[{ name: 'a/l', type: 'symlink', linkname: '../../x' }]], /symbolic link that leads out/],
    [
      'link after link',
      [
        [{ name: 'a/b/l', type: 'symlink', linkname: '../..' }],
        [{ name: 'm', type: 'symlink', linkname: 'a/b/l/../escape' }],
      ],
      /symbolic link that leads out/,
    ],
    [
      'through a link',
      [[{ name: 'l', type: 'symlink', linkname: '.' }], [{ name: 'l/x' }, 'x']],
      /writes through a symbolic link/,
    ],
    ['hard link', [[{ name: 'h', type: 'link', linkname: '../tool' }]], /a link that leads out/],
    ['device', [[{ name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }]], /type character-device/],
    ['fifo', [[{ name: 'f', type: 'fifo' }]], /type fifo/],
  ]
  for (const [what, entries, expected] of hostile) {
    const { folder, fetch } = await setUp(test)
    await writeFile(join(folder, 'tool'), 'secret')
    await writeFile(join(folder, 'x.tar'), await tar(entries))
    await test.rejects(fetch([{ value: 'x.tar' }]), expected, what)
    test.notOk(existsSync(join(folder, 'escape')) || existsSync('/tmp/meseta-escape'), what)
  }
})

t.test('what may be secret in a URI is told to nobody', async test => {
  const { folder, fetch, read } = await setUp(test)
  await writeFile(join(folder, 'x?sig=hidden'), 'x')
  await fetch([{ value: 'x?sig=hidden', extract: true }])
  test.equal(await read('x?sig=hidden'), 'x')
  const uris = [
    'http://user:hid@hidden@127.0.0.1:1/file#hidden',
    `http://127.0.0.1:1/file?X-Signature=hidden`,
    `file://${folder}/${'long'.repeat(100)}?hidden`,
    'http://127.0.0.1:1/?hidden=/',
    'hdfs://user:hidden@host/x?hidden',
  ]
  for (const value of uris) await test.rejects(fetch([{ value }]), { message: /^((?!hidden).)*$/s }, value)
  const told = await read('stderr')
  test.notMatch(told, /hidden/)
  test.match(told, /fetching http:\/\/…@127\.0\.0\.1:1\/file#… to file#…$/m)
})

t.test('size, time, names and kinds of files have bounds', async test => {
  const { folder, sandbox, fetch } = await setUp(test, 1_000)
  await writeFile(join(folder, 'big'), 'x'.repeat(2_000))
  await writeFile(join(folder, 'bomb.gz'), gzipSync(Buffer.alloc(1_000_000)))
  await writeFile(join(folder, 'cut.tgz'), gzipSync(await tar([[{ name: 'x' }, 'y']])).subarray(0, 40))
  await test.rejects(fetch([{ value: 'big' }]), /larger than 1000 bytes/)
  // The kernel makes up its content, and gives no size.
  await test.rejects(fetch([{ value: '/proc/self/smaps' }]), /larger than 1000 bytes/)
  await test.rejects(fetch([{ value: 'bomb.gz' }]), /larger than 1000 bytes/)
  await test.rejects(fetch([{ value: 'cut.tgz' }]), /unexpected end|premature/i)
  await test.rejects(fetch([{ value: '/dev/zero' }]), /not a regular file/)
  await test.rejects(fetch([{ value: 'hdfs://host/x' }]), /the scheme hdfs is not supported/)
  const server = createServer((_request, response) => {
    response.writeHead(200).write('begin')
  }).listen(0, '127.0.0.1')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise(resolve => server.once('listening', resolve))
  await test.rejects(
    fetch([{ value: `http://127.0.0.1:${(server.address() as AddressInfo).port}/slow` }]),
    /nothing came for 1 s/,
  )
  for (const output_file of ['../x', '/etc/x', 'a/../../x', '..']) {
    test.throws(
      () => outputName({ value: 'http://h/x', output_file }),
      /is no name for a file in the sandbox/,
      output_file,
    )
  }
  test.throws(() => outputName({ value: 'http://user:secret@h/' }), /http:\/\/…@h\//, 'no password is told')
  test.ok((await lstat(sandbox)).isDirectory())
})
