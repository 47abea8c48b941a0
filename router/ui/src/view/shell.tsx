import { Component, type ReactNode, useEffect, useRef } from 'react'
import { formatRoute, type Section, sections } from '../model/route.ts'
import { AppDetails } from './apps/app-details.tsx'
import { Apps } from './apps/apps.tsx'
import { Catalog } from './catalog/catalog.tsx'
import { PackageDetails } from './catalog/package-details.tsx'
import { useConnection, useRoute, useStore } from './context.tsx'
import { Frameworks } from './frameworks.tsx'
import { Header } from './header.tsx'
import { Nodes } from './nodes.tsx'
import { Overview } from './overview/overview.tsx'
import { TaskDetails } from './tasks/task-details.tsx'
import { Tasks } from './tasks/tasks.tsx'

export const titles: Readonly<Record<Section, string>> = {
  overview: 'Overview',
  apps: 'Apps',
  tasks: 'Tasks',
  nodes: 'Nodes',
  catalog: 'Catalog',
  frameworks: 'Frameworks',
}

/** The whole page: header, menu, and the section that the address names. */
export function Shell() {
  const { section, item } = useRoute()
  const { state } = useConnection()
  const title = section === undefined ? 'Not found' : titles[section]
  const heading = useRef<HTMLHeadingElement>(null)
  const first = useRef(true)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another place is the reason to move, whatever its title
  useEffect(() => {
    document.title = `${item ?? title} · Meseta`
    if (!first.current) {
      heading.current?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
    first.current = false
  }, [section, item])
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById('content')?.focus()}>
        Skip to the content
      </button>
      <Header />
      <div className="body">
        <Menu current={section} />
        <main id="content" tabIndex={-1}>
          <h1 ref={heading} tabIndex={-1} className={item === undefined ? undefined : 'only-heard'}>
            {item ?? title}
          </h1>
          {section !== undefined && item !== undefined && (
            <p className="path">
              <span aria-hidden="true">‹ </span>
              <a href={formatRoute(section)}>{titles[section]}</a>
            </p>
          )}
          {state === 'connecting' || state === 'unreached' ? (
            <p className="empty">Asking the cluster …</p>
          ) : (
            <Guard key={`${section} ${item}`}>{content(section, item)}</Guard>
          )}
        </main>
      </div>
    </>
  )
}

function content(section: Section | undefined, item: string | undefined): ReactNode {
  if (section === 'overview') return <Overview />
  if (section === 'apps') return item === undefined ? <Apps /> : <AppDetails id={item} />
  if (section === 'tasks') return item === undefined ? <Tasks /> : <TaskDetails taskKey={item} />
  if (section === 'nodes') return <Nodes />
  if (section === 'catalog') return item === undefined ? <Catalog /> : <PackageDetails name={item} />
  if (section === 'frameworks') return <Frameworks />
  return (
    <p className="empty">
      There is no such page. <a href="#/overview">To the overview</a>
    </p>
  )
}

function Menu({ current }: { current: Section | undefined }) {
  const store = useStore('app', 'pod', 'agent', 'framework', 'package')
  const counts: Partial<Record<Section, number>> = {
    apps: store.size('app') + store.size('pod'),
    nodes: store.size('agent'),
    catalog: store.size('package'),
    frameworks: store.size('framework'),
  }
  return (
    <nav className="menu" aria-label="Sections">
      {sections.map(section => (
        <a key={section} href={formatRoute(section)} aria-current={section === current ? 'page' : undefined}>
          {titles[section]}
          {counts[section] ? <span className="menu-count">{counts[section]}</span> : null}
        </a>
      ))}
    </nav>
  )
}

/** An error while drawing costs its section, not the page. */
class Guard extends Component<{ readonly children: ReactNode }, { readonly error: Error | undefined }> {
  override state: { readonly error: Error | undefined } = { error: undefined }

  static getDerivedStateFromError(error: Error): { readonly error: Error } {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <div className="note note-bad" role="alert">
        <p>This part of the page could not be drawn: {error.message}</p>
        <button type="button" onClick={() => this.setState({ error: undefined })}>
          Try again
        </button>
      </div>
    )
  }
}
