import type { BlockCopies } from '@kvasir/contracts'
import type { Blocks } from '@kvasir/kernel'

/** Block copies being put together; the lists double when they are full. */
export class CopyBuffer implements BlockCopies {
  outCount: Blocks = 0
  inCount: Blocks = 0
  outs = new Int32Array(32)
  ins = new Int32Array(32)

  reset(): void {
    this.outCount = 0
    this.inCount = 0
  }

  addOut(device: number, host: number): void {
    this.outs = withRoom(this.outs, 2 * this.outCount + 2)
    this.outs[2 * this.outCount] = device
    this.outs[2 * this.outCount++ + 1] = host
  }

  addIn(device: number, host: number): void {
    this.ins = withRoom(this.ins, 2 * this.inCount + 2)
    this.ins[2 * this.inCount] = device
    this.ins[2 * this.inCount++ + 1] = host
  }
}

function withRoom(list: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= list.length) return list
  const wider = new Int32Array(list.length * 2)
  wider.set(list)
  return wider
}
