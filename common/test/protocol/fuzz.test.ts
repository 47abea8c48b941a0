import fc from 'fast-check'
import t, { type Test } from 'tap'
import { BadMessage, decode, encode, fromJson, parseJson, stringify, toJson } from '../../src/protocol/codec.ts'
import type { MessageName } from '../../src/protocol/mesos.ts'
import { encodeRecord, RecordDecoder } from '../../src/protocol/recordio.ts'
import { type Draw, drawFrom, mutateBytes, mutateJson } from '../../src/sim/hostile.ts'
import { seedOf } from '../seed.ts'
import { messageArbitrary } from './random-message.ts'

/** What comes from outside: from schedulers, operators, executors, and over the bus. */
const names: readonly MessageName[] = [
  'mesos.v1.scheduler.Call',
  'mesos.v1.scheduler.Event',
  'mesos.v1.executor.Call',
  'mesos.v1.master.Call',
  'mesos.v1.agent.Call',
  'meseta.v1.AgentToMaster',
  'meseta.v1.MasterToAgent',
  'meseta.v1.Frame',
  'mesos.v1.TaskInfo',
  'mesos.v1.Resource',
]
const SAMPLES = 40
const JSON_INPUTS = 40_000
const PROTOBUF_INPUTS = 40_000
const RECORDIO_INPUTS = 20_000

interface Sample {
  name: MessageName
  message: object
  bytes: Uint8Array
  text: Buffer
}

function samplesOf(seed: number): Sample[] {
  return names.flatMap(name =>
    fc.sample(messageArbitrary(name), { seed, numRuns: SAMPLES }).map(message => ({
      name,
      message,
      bytes: encode(name, message),
      text: Buffer.from(stringify(name, message)),
    })),
  )
}

/** Runs `input` for each draw; anything thrown but a BadMessage fails, with the seed and number that repeat it. */
function fuzz(t: Test, inputs: number, seed: number, input: (draw: Draw) => void): void {
  let refused = 0
  for (let number = 0; number < inputs; number += 1) {
    try {
      input(drawFrom(seed + number))
    } catch (error) {
      if (!(error instanceof BadMessage)) {
        t.fail(`input ${number}: ${error instanceof Error ? error.stack : error}`)
        return
      }
      refused += 1
    }
  }
  t.ok(refused > inputs / 20 && refused < inputs, `of ${inputs} inputs ${refused} were refused, the others read`)
}

t.test('100,000 mutated inputs', async t => {
  const seed = seedOf(t)
  const samples = samplesOf(seed)
  const pick = (draw: Draw) => samples[draw(samples.length)] as Sample

  t.test('JSON: by structure and by bytes', async t => {
    fuzz(t, JSON_INPUTS, seed, draw => {
      const { name, message, text } = pick(draw)
      const byStructure = draw(2) === 0
      const read = byStructure ? fromJson(name, mutateJson(message, draw)) : parseJson(name, mutateBytes(text, draw))
      mustHold(() => {
        decode(name, encode(name, read))
        fromJson(name, JSON.parse(JSON.stringify(toJson(name, read))))
      })
    })
    t.equal(({} as { polluted?: number }).polluted, undefined, 'no prototype was touched')
  })

  t.test('protobuf', async t => {
    fuzz(t, PROTOBUF_INPUTS, seed, draw => {
      const { name, bytes } = pick(draw)
      const read = decode(name, mutateBytes(bytes, draw))
      mustHold(() => {
        decode(name, encode(name, read))
        stringify(name, read, { ascii: true })
      })
    })
  })

  t.test('RecordIO, in chunks of any size', async t => {
    fuzz(t, RECORDIO_INPUTS, seed, draw => {
      const stream = Buffer.concat([pick(draw), pick(draw)].map(sample => encodeRecord(sample.bytes)))
      const mutated = mutateBytes(stream, draw)
      const decoder = new RecordDecoder({ maxRecordBytes: 1 << 20 })
      for (let at = 0; at < mutated.length; ) {
        const size = 1 + draw(draw(2) === 0 ? 4 : 4096)
        decoder.push(mutated.subarray(at, at + size))
        at += size
      }
      decoder.end()
    })
  })
})

/** What was accepted can be written and read again: a BadMessage here is a fault too. */
function mustHold(check: () => void): void {
  try {
    check()
  } catch (error) {
    throw new Error('what was accepted can not be written and read again', { cause: error })
  }
}
