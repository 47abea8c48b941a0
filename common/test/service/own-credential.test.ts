import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Authenticator } from '../../src/service/authentication.ts'
import { systemClock } from '../../src/service/clock.ts'
import { Credentials } from '../../src/service/credentials.ts'
import { authorizationHeaders, readOwnCredential } from '../../src/service/own-credential.ts'

t.test('what a process proves is what another one believes', async () => {
  const word = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }).filter(text => text.isWellFormed())
  // biome-ignore lint/suspicious/noControlCharactersInRegex: principals have none
  const name = word.filter(text => !/[:\u0000-\u001f\u007f]/.test(text))
  await fc.assert(
    fc.asyncProperty(name, word, async (principal, secret) => {
      const authenticator = new Authenticator({ credentials: new Credentials([[principal, secret]]) }, systemClock)
      const headers = authorizationHeaders({ principal, secret })
      const request = { headers } as unknown as Parameters<Authenticator['principalOf']>[0]
      if ((await authenticator.principalOf(request)) !== principal) throw new Error('not believed')
    }),
  )
})

t.test('a file that holds no credential is named, and not what it holds', async t => {
  const file = join(t.testdir({}), 'own')
  const read = (text: string) => {
    writeFileSync(file, text)
    return readOwnCredential('own', file)
  }
  t.equal(readOwnCredential('own', undefined), undefined)
  t.same(read('{"principal":"p","secret":"s"}\n'), { principal: 'p', secret: 's' })
  t.same(read('{"token":"t.u-v"}'), { token: 't.u-v' })
  for (const text of [
    '',
    'hush',
    '{"principal":"p"}',
    '{"token":"hush\\n"}',
    '{"principal":"p:q","secret":"hush"}',
    'null',
  ])
    t.throws(() => read(text), { message: `--own: ${file} holds neither {"principal":…,"secret":…} nor {"token":…}` })
  t.throws(() => readOwnCredential('own', `${file}-none`), /--own: can not read .*ENOENT/)
})
