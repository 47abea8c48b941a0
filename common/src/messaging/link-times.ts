/** How often the ends of a link look at what is unacknowledged: resends are late by at most this. Milliseconds. */
export const tickEvery = 250

/** An acknowledgement waits this long for a frame that carries it along. Milliseconds. */
export const ackAfter = 10

/** The leader's beacon and echo. Milliseconds. */
export const beaconEvery = 1_000

/** Without its echo for this long, a leader does not hear itself: two were lost, or one is late by two periods. Milliseconds. */
export const echoWithin = 3_000
