import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { type Device, serveDevice } from '@kvasir/devices'

const UNIX = 'unix:'

/** The gRPC server of a group (`proto/kvasir/device/v1`). */
export class DeviceServer {
  readonly #server = new Server()

  private constructor(device: Device) {
    serveDevice(this.#server, device)
  }

  /** @throws when nothing can listen at `address`. */
  static async listen(device: Device, address: string): Promise<DeviceServer> {
    if (address.startsWith(UNIX)) await removeDeadSocket(address.slice(UNIX.length))
    const served = new DeviceServer(device)
    await new Promise<void>((resolve, reject) => {
      served.#server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error ? reject(new Error(`cannot listen at ${address}: ${error.message}`)) : resolve(),
      )
    })
    return served
  }

  /** Ends every session: whoever has one hears that it is lost. */
  close(): void {
    this.#server.forceShutdown()
  }
}

/** A process that was killed leaves its socket behind; one that lives still answers there, and keeps it. */
async function removeDeadSocket(path: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
  if (alive) throw new Error(`cannot listen at ${UNIX}${path}: another process does`)
  rmSync(path, { force: true })
}
