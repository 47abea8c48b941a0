import type { Package } from '../../model/objects.ts'
import { formatRoute } from '../../model/route.ts'
import { useQuery, useStore } from '../context.tsx'
import { FilterBox } from '../parts/filter-box.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { InstalledPackages } from './installed.tsx'

/** What can be installed, and what is. */
export function Catalog() {
  const store = useStore('package', 'installed', 'repository')
  const [query, setQuery] = useQuery('q')
  const packages = [...store.all('package')].sort(
    (a, b) => Number(b.selected ?? false) - Number(a.selected ?? false) || (a.name < b.name ? -1 : 1),
  )
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = packages.filter(found => words.every(word => textOf(found).includes(word)))
  const broken = store.all('repository').filter(({ error }) => error)
  const installed = new Map<string, number>()
  for (const { packageName } of store.all('installed'))
    installed.set(packageName, (installed.get(packageName) ?? 0) + 1)
  return (
    <>
      <InstalledPackages />
      <Section title="Packages" source="universe">
        {broken.map(({ name, error }) => (
          <p key={name} className="note note-bad">
            The repository {name} can not be read: {error}
          </p>
        ))}
        <FilterBox
          value={query}
          change={setQuery}
          placeholder="name, tag or description"
          shown={shown.length}
          total={packages.length}
        />
        {shown.length === 0 ? (
          <p className="empty">{packages.length === 0 ? 'The catalog holds no package.' : 'No package matches.'}</p>
        ) : (
          <ul className="cards">
            {shown.slice(0, mostShown).map(found => (
              <Card key={found.name} found={found} installed={installed.get(found.name) ?? 0} />
            ))}
          </ul>
        )}
        {shown.length > mostShown && <p className="quiet">The first {mostShown}; type more to find the others.</p>}
      </Section>
    </>
  )
}

const mostShown = 120

const textOf = ({ name, description, tags }: Package): string =>
  `${name} ${description ?? ''} ${tags?.join(' ') ?? ''}`.toLowerCase()

function Card({ found, installed }: { found: Package; installed: number }) {
  return (
    <li>
      <a href={formatRoute('catalog', found.name)} className="card">
        <Tile name={found.name} />
        <span className="card-words">
          <span className="card-name">
            {found.name} <span className="quiet">{found.currentVersion}</span>
          </span>
          <span className="card-text">{found.description}</span>
          {installed > 0 && (
            <Status mark="good">{installed === 1 ? 'installed' : `installed ${installed} times`}</Status>
          )}
        </span>
      </a>
    </li>
  )
}

/** A picture that needs no request: the package's first letter. */
export function Tile({ name }: { name: string }) {
  return (
    <span className="tile" aria-hidden="true">
      {name.slice(0, 1).toUpperCase()}
    </span>
  )
}
