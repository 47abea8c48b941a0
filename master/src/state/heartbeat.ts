/** Seconds between the heartbeats of a stream, a scheduler's and an operator's (Mesos contract 2.1, 3). */
export const heartbeatSeconds = 15
