/** Numbers of the DNS wire format (RFC 1035, 2782, 3596, 6891). */
export const types = {
  A: 1,
  NS: 2,
  SOA: 6,
  PTR: 12,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const
export const classes = { IN: 1, ANY: 255 } as const
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const
/** Bits of the third and fourth byte of the header. */
export const flags = { QR: 0x80, AA: 0x04, TC: 0x02, RD: 0x01, RA: 0x80 } as const
export const headerBytes = 12
/** Largest UDP message for a client that says nothing of EDNS. */
export const plainUdpBytes = 512
export const mostTcpBytes = 65_535
