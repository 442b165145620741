import type { DenseRates, Gpu, HostLink, PeerLink } from './gpu.js'

const GIGA = 1e9
const TERA = 1e12

/*
 * Sources: NVIDIA's data sheets, named at each entry; where they state rates "with sparsity" half is taken, where they
 * state links in both directions together half is taken. Memory is what nvidia-smi reports as total, in MiB (the data
 * sheet's number is rounded): modal-labs/modal-client pull request 2797 for H100, A100, L40S and L4; nvidia-smi listings of
 * H200, B200, GH200 and A30 otherwise. The L40 is the L40S' board. GDDR6 cards give a sixteenth to error correction.
 */

// PCI Express x16, per direction, as the data sheets round it: Gen4 64 GB/s and Gen5 128 GB/s in both directions together.
const pcieGen4: HostLink = { kind: 'pcie', bytesPerSecond: 32 * GIGA }
const pcieGen5: HostLink = { kind: 'pcie', bytesPerSecond: 64 * GIGA }

function nvlink(gigabytesPerSecond: number, gpus: number): PeerLink {
  return { kind: 'nvlink', bytesPerSecond: gigabytesPerSecond * GIGA, gpus }
}

function overPcie(link: HostLink): PeerLink {
  return { kind: 'pcie', bytesPerSecond: link.bytesPerSecond, gpus: 8 }
}

function tensorCores(
  sixteenBitTera: number,
  rest: { readonly fp8?: number; readonly int8: number },
): DenseRates {
  const rates = { bf16: sixteenBitTera * TERA, fp16: sixteenBitTera * TERA, int8: rest.int8 * TERA }
  return rest.fp8 === undefined ? rates : { ...rates, fp8: rest.fp8 * TERA }
}

function mebibytes(count: number): number {
  return count * 1024 * 1024
}

// H100 data sheet: with sparsity 1979 (16 bit), 3958 (fp8, int8). The study of 2026-11 (simulators.md) rounds to 989.
const hopperCores = tensorCores(989, { fp8: 1979, int8: 1979 })
// A100 data sheet: 312 dense, int8 624 dense.
const a100Cores = tensorCores(312, { int8: 624 })

export const gpus: readonly Gpu[] = [
  {
    name: 'H100',
    aliases: ['h100-80gb-sxm', 'h100-80gb', 'h100-sxm', 'h100-sxm5', 'h100_sxm'],
    source:
      'NVIDIA H100 Tensor Core GPU data sheet, SXM: 80 GB HBM3, 3.35 TB/s, NVLink 900 GB/s, PCIe Gen5, 700 W, 132 SMs.',
    architecture: 'hopper',
    memoryBytes: mebibytes(81_559),
    memoryBytesPerSecond: 3.35 * TERA,
    flopsPerSecond: hopperCores,
    peerLink: nvlink(450, 8),
    hostLink: pcieGen5,
    multiprocessors: 132,
    watts: 700,
  },
  {
    name: 'H100-96GB',
    aliases: ['gh200', 'gh200-96gb', 'gh200-480gb'],
    source:
      'NVIDIA GH200 Grace Hopper data sheet, 96 GB HBM3: 4 TB/s, NVLink-C2C 900 GB/s to the host, NVLink 900 GB/s, up to 1000 W for the whole module; 900 W is the cap nvidia-smi shows for its GPU.',
    architecture: 'hopper',
    memoryBytes: mebibytes(97_871),
    memoryBytesPerSecond: 4 * TERA,
    flopsPerSecond: hopperCores,
    peerLink: nvlink(450, 8),
    hostLink: { kind: 'c2c', bytesPerSecond: 450 * GIGA },
    multiprocessors: 132,
    watts: 900,
  },
  {
    name: 'H200',
    aliases: ['h200-141gb', 'h200-sxm', 'h200-141gb-sxm', 'h200_sxm'],
    source:
      'NVIDIA H200 Tensor Core GPU data sheet, SXM: 141 GB HBM3e, 4.8 TB/s, NVLink 900 GB/s, PCIe Gen5, 700 W.',
    architecture: 'hopper',
    memoryBytes: mebibytes(143_771),
    memoryBytesPerSecond: 4.8 * TERA,
    flopsPerSecond: hopperCores,
    peerLink: nvlink(450, 8),
    hostLink: pcieGen5,
    multiprocessors: 132,
    watts: 700,
  },
  {
    name: 'B200',
    aliases: ['b200-180gb', 'b200-192gb', 'b200-sxm', 'b200_sxm'],
    source:
      'NVIDIA HGX B200 data sheet, per GPU: dense bf16 2.25 PFLOP/s, fp8 4.5, int8 4.5, NVLink 1.8 TB/s, 180 GB at 8 TB/s, 1000 W.',
    architecture: 'blackwell',
    memoryBytes: mebibytes(183_359),
    memoryBytesPerSecond: 8 * TERA,
    flopsPerSecond: tensorCores(2250, { fp8: 4500, int8: 4500 }),
    peerLink: nvlink(900, 8),
    hostLink: pcieGen5,
    multiprocessors: 148,
    watts: 1000,
  },
  {
    name: 'A100-80GB',
    aliases: ['a100', 'a100-80gb-sxm', 'a100-sxm', 'a100-sxm4-80gb', 'a100_sxm'],
    source:
      'NVIDIA A100 Tensor Core GPU data sheet, 80 GB SXM: 2039 GB/s, NVLink 600 GB/s, PCIe Gen4, 400 W, 108 SMs.',
    architecture: 'ampere',
    memoryBytes: mebibytes(81_920),
    memoryBytesPerSecond: 2039 * GIGA,
    flopsPerSecond: a100Cores,
    peerLink: nvlink(300, 8),
    hostLink: pcieGen4,
    multiprocessors: 108,
    watts: 400,
  },
  {
    name: 'A100-40GB',
    aliases: ['a100-40gb-sxm', 'a100-sxm4-40gb'],
    source: 'NVIDIA A100 Tensor Core GPU data sheet, 40 GB SXM: 1555 GB/s, the rest as above.',
    architecture: 'ampere',
    memoryBytes: mebibytes(40_960),
    memoryBytesPerSecond: 1555 * GIGA,
    flopsPerSecond: a100Cores,
    peerLink: nvlink(300, 8),
    hostLink: pcieGen4,
    multiprocessors: 108,
    watts: 400,
  },
  {
    name: 'A30',
    aliases: ['a30-24gb'],
    source:
      'NVIDIA A30 data sheet: 24 GB HBM2 at 933 GB/s, bf16 165, int8 330, NVLink bridge for two 200 GB/s, PCIe Gen4, 165 W.',
    architecture: 'ampere',
    memoryBytes: mebibytes(24_576),
    memoryBytesPerSecond: 933 * GIGA,
    flopsPerSecond: tensorCores(165, { int8: 330 }),
    peerLink: nvlink(100, 2),
    hostLink: pcieGen4,
    multiprocessors: 56,
    watts: 165,
  },
  {
    name: 'L40S',
    aliases: ['l40s-48gb'],
    source:
      'NVIDIA L40S data sheet: 48 GB GDDR6 at 864 GB/s, bf16 362.05 dense, fp8 and int8 733 dense, PCIe Gen4, 350 W, 142 SMs.',
    architecture: 'ada',
    memoryBytes: mebibytes(46_068),
    memoryBytesPerSecond: 864 * GIGA,
    flopsPerSecond: tensorCores(362.05, { fp8: 733, int8: 733 }),
    peerLink: overPcie(pcieGen4),
    hostLink: pcieGen4,
    multiprocessors: 142,
    watts: 350,
  },
  {
    name: 'L40',
    aliases: ['l40-48gb'],
    source:
      'NVIDIA L40 data sheet: 48 GB GDDR6 at 864 GB/s, bf16 181.05 dense, fp8 and int8 362 dense, PCIe Gen4, 300 W, 142 SMs.',
    architecture: 'ada',
    memoryBytes: mebibytes(46_068),
    memoryBytesPerSecond: 864 * GIGA,
    flopsPerSecond: tensorCores(181.05, { fp8: 362, int8: 362 }),
    peerLink: overPcie(pcieGen4),
    hostLink: pcieGen4,
    multiprocessors: 142,
    watts: 300,
  },
  {
    name: 'L4',
    aliases: ['l4-24gb'],
    source:
      'NVIDIA L4 data sheet: 24 GB GDDR6 at 300 GB/s; with sparsity 242 (16 bit), 485 (fp8, int8); PCIe Gen4, 72 W, 58 SMs.',
    architecture: 'ada',
    memoryBytes: mebibytes(23_034),
    memoryBytesPerSecond: 300 * GIGA,
    flopsPerSecond: tensorCores(121, { fp8: 242.5, int8: 242.5 }),
    peerLink: overPcie(pcieGen4),
    hostLink: pcieGen4,
    multiprocessors: 58,
    watts: 72,
  },
  {
    name: 'RTX-4090',
    aliases: ['rtx4090', 'geforce-rtx-4090'],
    source:
      'NVIDIA GeForce RTX 4090 data sheet: 24 GB GDDR6X at 1008 GB/s, 128 SMs, 450 W, PCIe Gen4; Ada GPU architecture white paper, appendix A: bf16 with 32 bit accumulation 165.2 dense, fp8 330.3 dense, int8 660.6 dense.',
    architecture: 'ada',
    memoryBytes: mebibytes(24_564),
    memoryBytesPerSecond: 1008 * GIGA,
    flopsPerSecond: tensorCores(165.2, { fp8: 330.3, int8: 660.6 }),
    peerLink: overPcie(pcieGen4),
    hostLink: pcieGen4,
    multiprocessors: 128,
    watts: 450,
  },
  {
    name: 'RTX-PRO-6000',
    aliases: ['rtxpro6000', 'rtx-pro-6000-blackwell'],
    source:
      'NVIDIA RTX PRO 6000 Blackwell Workstation data sheet: 96 GB GDDR7 at 1792 GB/s, 188 SMs, 600 W, PCIe Gen5; the RTX Blackwell PRO white paper: bf16 with 32 bit accumulation 503.8 dense, fp8 and int8 1007.6 dense.',
    architecture: 'blackwell',
    memoryBytes: mebibytes(97_887),
    memoryBytesPerSecond: 1792 * GIGA,
    flopsPerSecond: tensorCores(503.8, { fp8: 1007.6, int8: 1007.6 }),
    peerLink: overPcie(pcieGen5),
    hostLink: pcieGen5,
    multiprocessors: 188,
    watts: 600,
  },
]
