import { crc32 } from "node:zlib";

/** Numbers in [0, below), the same for a seed (xorshift32, Marsaglia 2003). */
export function dice(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Sizes, counts and offsets at which decoders have gone wrong before. */
const LENGTHS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
/** Most mutations fall into what is read first: the headers. */
const HEAD = 200;

type Mutation = (bytes: Buffer, roll: (below: number) => number, others: readonly Buffer[]) => Buffer;

const place = (bytes: Buffer, roll: (below: number) => number) =>
  roll(2) === 0 ? roll(Math.min(HEAD, bytes.length)) : roll(bytes.length);

const MUTATIONS: Mutation[] = [
  function flipBit(bytes, roll) {
    const at = place(bytes, roll);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << roll(8));
    return bytes;
  },
  function setByte(bytes, roll) {
    bytes[place(bytes, roll)] = roll(256);
    return bytes;
  },
  function setLength(bytes, roll) {
    const at = Math.max(0, Math.min(place(bytes, roll), bytes.length - 4));
    const value = LENGTHS[roll(LENGTHS.length)] ?? 0;
    if (roll(2) === 0) bytes.writeUInt32BE(value, at);
    else bytes.writeUInt32LE(value, at);
    return bytes;
  },
  function cutOff(bytes, roll) {
    return bytes.subarray(0, 8 + roll(bytes.length - 8));
  },
  function leaveOut(bytes, roll) {
    const at = place(bytes, roll);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + roll(64))]);
  },
  function repeat(bytes, roll) {
    const at = place(bytes, roll);
    const piece = bytes.subarray(at, at + 1 + roll(256));
    return Buffer.concat([bytes.subarray(0, at), ...Array(1 + roll(8)).fill(piece), bytes.subarray(at)]);
  },
  function fill(bytes, roll) {
    const at = place(bytes, roll);
    return bytes.fill(roll(2) === 0 ? 0 : 0xff, at, Math.min(bytes.length, at + 1 + roll(128)));
  },
  function splice(bytes, roll, others) {
    const other = others[roll(others.length)] ?? bytes;
    return Buffer.concat([bytes.subarray(0, place(bytes, roll)), other.subarray(place(other, roll))]);
  },
  function append(bytes, _roll, others) {
    return Buffer.concat([bytes, others[0] ?? bytes]);
  },
];

/** A file with one to four things wrong. A PNG's checksums are often mended, or nothing behind them would be read. */
export function mutate(seed: Buffer, roll: (below: number) => number, others: readonly Buffer[]): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let count = 1 + roll(4); count > 0 && bytes.length > 16; count -= 1) {
    bytes = Buffer.from((MUTATIONS[roll(MUTATIONS.length)] as Mutation)(bytes, roll, others));
  }
  return roll(4) > 0 ? recomputeChecksums(bytes) : bytes;
}

function recomputeChecksums(bytes: Buffer): Buffer {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== 0x89504e47) return bytes;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return bytes;
}
