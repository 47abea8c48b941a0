/** Routes that answer with extra segments and slashes behind them, with `/slave(1)` before them and as `<route>.json`. */
const routes = [
  '/api/v1/executor',
  '/api/v1',
  '/health',
  '/version',
  '/flags',
  '/state',
  '/monitor/statistics',
  '/containers',
  '/containerizer/debug',
  '/metrics/snapshot',
  '/files/browse',
  '/files/read',
  '/files/download',
  '/files/debug',
].sort((a, b) => b.length - a.length)

/** The URL by which a request is routed: the longest route that begins its path wins (master contract, 1.1). */
export function canonicalUrl(url: string): string {
  const queryAt = url.indexOf('?')
  const path = queryAt < 0 ? url : url.slice(0, queryAt)
  const query = queryAt < 0 ? '' : url.slice(queryAt)
  const bare = path.replace(/^\/slave(\(1\)|%281%29)(?=\/)/i, '')
  const route = routes.find(candidate => {
    if (!bare.startsWith(candidate)) return false
    return /^(\.json)?(\/|$)/.test(bare.slice(candidate.length))
  })
  return route === undefined ? url : route + query
}
