import type { Component } from '@meseta/common/service/component'
import type { FlagDefinitions } from '@meseta/common/service/flags'
import type { PlannedComponent } from './plan.ts'

type Name = PlannedComponent['component']

/** Each component by name; its code is loaded when it is asked for. */
const loaders: Record<Name, () => Promise<{ component: unknown }>> = {
  master: () => import('@meseta/master/component'),
  agent: () => import('@meseta/agent/component'),
  marathon: () => import('@meseta/marathon/component'),
  universe: () => import('@meseta/universe/component'),
  gateway: () => import('@meseta/gateway/component'),
  dns: () => import('@meseta/dns/component'),
  balancer: () => import('@meseta/balancer/component'),
}

export const componentNames = Object.keys(loaders) as Name[]

/** Loads a component. Its flag types are its own affair: whoever starts it passes parsed flags through. */
export async function loadComponent(name: Name): Promise<Component<FlagDefinitions>> {
  return (await loaders[name]()).component as Component<FlagDefinitions>
}
