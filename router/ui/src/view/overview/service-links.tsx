import { markOfStatus } from '../../model/app-status.ts'
import { linkOfFramework, servicesOf } from '../../model/services.ts'
import { useStore } from '../context.tsx'
import { ServiceLink } from '../parts/facts.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'

/** Every service that has a page of its own behind the router. */
export function ServiceLinks() {
  const store = useStore('app', 'pod', 'wait', 'deployment', 'framework')
  const services = servicesOf(store).flatMap(service => (service.link ? [{ ...service, link: service.link }] : []))
  const known = new Set(services.map(({ link }) => link))
  const frameworks = store.all('framework').flatMap(framework => {
    const link = linkOfFramework(framework)
    return link && !known.has(link) ? [{ framework, link }] : []
  })
  if (services.length + frameworks.length === 0) return null
  return (
    <Section title="Services" source="marathon">
      <ul className="links">
        {services.map(({ id, link, status }) => (
          <li key={id}>
            <ServiceLink href={link}>{link}</ServiceLink>
            <Status mark={markOfStatus(status)}>{status}</Status>
          </li>
        ))}
        {frameworks.map(({ framework, link }) => (
          <li key={framework.id}>
            <ServiceLink href={link}>{link}</ServiceLink>
            <Status mark={framework.active === false ? 'warn' : 'good'}>
              {framework.active === false ? 'inactive' : 'active'}
            </Status>
          </li>
        ))}
      </ul>
    </Section>
  )
}
