import { parseFlags } from '@meseta/common/service/parse-flags'
import { dnsFlags } from '../../src/flags.ts'
import type { DnsFlags } from '../../src/settings.ts'

export const flagsOf = (argv: string[] = []) => parseFlags(dnsFlags, { argv, env: {} }) as DnsFlags
