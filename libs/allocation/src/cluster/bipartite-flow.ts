/**
 * Maximum flow from models through their engines into pools (Dinic 1970), in whole numbers up to 2^53. Starts from whatever was
 * pushed before, so that a good guess costs one search.
 */
export class BipartiteFlow {
  readonly #models: number
  readonly #from: Int32Array
  readonly #to: Int32Array
  /** What models still want to send, what pools still take, and what each engine still takes and has taken. */
  readonly supply: Float64Array
  readonly room: Float64Array
  readonly spare: Float64Array
  readonly flow: Float64Array
  /** Engines by node, models before pools: those of node `n` are at `#starts[n] .. #starts[n + 1]`. */
  readonly #starts: Int32Array
  readonly #engines: Int32Array
  readonly #levels: Int32Array
  readonly #next: Int32Array
  readonly #queue: Int32Array

  /** @param from model of each engine. @param to pool of each engine. */
  constructor(models: number, pools: number, from: Int32Array, to: Int32Array) {
    this.#models = models
    this.#from = from
    this.#to = to
    this.supply = new Float64Array(models)
    this.room = new Float64Array(pools)
    this.spare = new Float64Array(from.length)
    this.flow = new Float64Array(from.length)
    this.#starts = new Int32Array(models + pools + 1)
    this.#engines = new Int32Array(2 * from.length)
    this.#levels = new Int32Array(models + pools)
    this.#next = new Int32Array(models + pools)
    this.#queue = new Int32Array(models + pools)
    this.#index()
  }

  /** Sends up to `units` through one engine. */
  push(engine: number, units: number): void {
    const [model, pool] = [this.#from[engine], this.#to[engine]]
    const sent = Math.min(units, this.supply[model], this.room[pool], this.spare[engine])
    this.supply[model] -= sent
    this.room[pool] -= sent
    this.#move(engine, sent)
  }

  /** Sends all that can be sent; whether that is everything. */
  saturate(): boolean {
    while (this.#search()) {
      this.#next.set(this.#starts.subarray(0, this.#next.length))
      for (let model = 0; model < this.#models; model++)
        while (this.supply[model] > 0) {
          const sent = this.#augment(model, this.supply[model])
          if (sent === 0) break
          this.supply[model] -= sent
        }
    }
    return this.supply.every((left) => left === 0)
  }

  /** After an incomplete `saturate`: whether the model is among those that together want more than they can have. */
  holdsBackModel(model: number): boolean {
    return this.#levels[model] >= 0
  }

  /** Whether the pool is full because of them. */
  isFilledByThem(pool: number): boolean {
    return this.#levels[this.#models + pool] >= 0
  }

  #index(): void {
    const starts = this.#starts
    for (let e = 0; e < this.#from.length; e++) {
      starts[this.#from[e] + 1]++
      starts[this.#models + this.#to[e] + 1]++
    }
    for (let node = 1; node < starts.length; node++) starts[node] += starts[node - 1]
    const at = starts.slice()
    for (let e = 0; e < this.#from.length; e++) {
      this.#engines[at[this.#from[e]]++] = e
      this.#engines[at[this.#models + this.#to[e]]++] = e
    }
  }

  /** Breadth first from every model with supply; whether a pool with room was reached. */
  #search(): boolean {
    const levels = this.#levels.fill(-1)
    const queue = this.#queue
    let tail = 0
    for (let model = 0; model < this.#models; model++)
      if (this.supply[model] > 0) {
        levels[model] = 0
        queue[tail++] = model
      }
    let found = false
    for (let head = 0; head < tail; head++) {
      const node = queue[head]
      for (let k = this.#starts[node]; k < this.#starts[node + 1]; k++) {
        const next = this.#across(node, this.#engines[k])
        if (next < 0 || levels[next] >= 0) continue
        levels[next] = levels[node] + 1
        queue[tail++] = next
        found ||= next >= this.#models && this.room[next - this.#models] > 0
      }
    }
    return found
  }

  /** The node at the other end of an engine if more can go there, else -1. */
  #across(node: number, engine: number): number {
    if (node < this.#models) return this.spare[engine] > 0 ? this.#models + this.#to[engine] : -1
    return this.flow[engine] > 0 ? this.#from[engine] : -1
  }

  /** Sends along one path of rising levels; what arrived. */
  #augment(node: number, units: number): number {
    if (node >= this.#models && this.room[node - this.#models] > 0) {
      const taken = Math.min(units, this.room[node - this.#models])
      this.room[node - this.#models] -= taken
      return taken
    }
    for (; this.#next[node] < this.#starts[node + 1]; this.#next[node]++) {
      const engine = this.#engines[this.#next[node]]
      const next = this.#across(node, engine)
      if (next < 0 || this.#levels[next] !== this.#levels[node] + 1) continue
      const forward = node < this.#models
      const sent = this.#augment(next, Math.min(units, forward ? this.spare[engine] : this.flow[engine]))
      if (sent === 0) continue
      this.#move(engine, forward ? sent : -sent)
      return sent
    }
    return 0
  }

  #move(engine: number, units: number): void {
    this.flow[engine] += units
    this.spare[engine] -= units
  }
}
