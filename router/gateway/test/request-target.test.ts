import t from 'tap'
import { normalTarget, pathBehind } from '../src/routes/request-target.ts'

const badRequest: { readonly name: string } = Object.freeze({ name: 'HttpError', status: 400 })
const normal = (received: string) => normalTarget(received, 'router:80')

t.test('a target that is in its normal form stays as it is, escapes and query too', async t => {
  for (const target of [
    '/',
    '*',
    '/service/web/a%20b%3F%23/%2Fshop%2Fweb?q=%2e%2e/../\\&x',
    '/agent/A-S0/slave(1)/files/download?path=/var/../x',
    '/service//web//',
    '/service/web/.hidden/..x/x../...',
    '/%c3%a9',
  ])
    t.equal(normal(target), target)
})

t.test('escaped letters are letters, bytes over ASCII are escaped, the absolute form loses its host', async t => {
  t.equal(normal('/%6desos/m%61ster?%61'), '/mesos/master?%61')
  t.equal(normal('/a%2Db%5F%7e'), '/a-b_~')
  t.equal(normal('/%256d'), '/%256d', 'once and not twice')
  t.equal(normal('/\xc3\xa9'), '/%C3%A9')
  t.equal(normal('http://router:80/mesos/x?y'), '/mesos/x?y')
  t.equal(normal('HTTP://ROUTER:80'), '/')
  t.equal(normal('http://router:80?y'), '/?y')
})

t.test('what two servers might read differently is refused', async t => {
  for (const target of [
    '/a/../b',
    '/a/..',
    '/a/./b',
    '/%2e%2e/b',
    '/a/.%2E?x',
    '/a/..%2fb',
    '/a%2f..%2fb',
    '/a%5C..',
    '/a/..;x/b',
    '/a/..%3Bx/b',
    '/a\\..\\b',
    '/a#b',
    '/a?b#c',
    '/%00',
    '/%',
    '/%zz',
    '/%2',
    'a/b',
    'http://elsewhere/x',
    'http://user@router:80/x',
    'http://router:80\\x/',
  ])
    t.throws(() => normal(target), badRequest, target)
  t.throws(() => normalTarget('http://router/x', undefined), badRequest)
})

t.test('what is left of a path begins with one slash', async t => {
  t.equal(pathBehind(''), '/')
  t.equal(pathBehind('?x'), '/?x')
  t.equal(pathBehind('//evil.example/x'), '/evil.example/x')
})
