"""Measures kernels and copies on the GPU at hand and prints one JSON object a line: first {"kind": "device", ...}, then points.

    python3 measure.py [--quick] [--only product,decode_attention,prefill_attention,all_reduce,copy] [--points N]

Every point is the median of REPLAYS replays of a CUDA graph of several launches, so that neither Python nor the launch counts; `spread`
is half the distance between the first and the third quartile, over the median. Operands are as many copies as exceed the cache, used
in turn: an engine finds no layer's weights in the cache either.

Attention is what the machine has of what engines run: flash-attn's kernels, over contiguous caches, else PyTorch's
scaled_dot_product_attention. A kernel of our own would measure itself. The device line says which.
"""

import argparse
import importlib
import json
import os
import statistics
import sys

import torch

WARM_UPS = 3
REPLAYS = 15
# Larger than any cache of a GPU in the catalogue (H100: 50 MB, B200: 126 MB).
BEYOND_CACHE_BYTES = 512 << 20
# Of one graph, enough for the clock of events (half a microsecond).
GRAPH_US = 2_000
COPIES_MAX = 64
LAUNCHES_MAX = 256

SIZES = {
    False: {
        "tokens": [1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192],
        "outputs": [1024, 2048, 4096, 6144, 8192, 14336, 28672, 57344, 131072],
        "inputs": [1024, 2048, 4096, 8192, 14336, 28672],
        "heads": [(8, 1), (16, 2), (32, 8), (64, 8), (32, 32)],
        "sequences": [1, 4, 16, 64, 256],
        "context": [64, 256, 1024, 4096, 16384, 65536],
        "prompt": [16, 64, 256, 1024, 4096, 16384],
        "bytes": [1 << n for n in range(12, 29, 2)],
    },
    True: {
        "tokens": [1, 64, 1024],
        "outputs": [4096, 14336],
        "inputs": [4096],
        "heads": [(32, 8)],
        "sequences": [1, 16],
        "context": [1024, 4096],
        "prompt": [256, 1024],
        "bytes": [1 << 16, 1 << 20, 1 << 24],
    },
}
HEAD_DIM = 128


def say(**fields):
    print(json.dumps(fields), flush=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def importable(name):
    try:
        return importlib.import_module(name)
    except Exception as error:  # A package that does not load is as good as none, whatever its reason.
        if not isinstance(error, ModuleNotFoundError):
            note(f"{name} is installed but does not load: {error}")
        return None


def timed(launch, launches):
    """Median and spread, microseconds, of one of `launches` calls of `launch(i)`."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for i in range(WARM_UPS):
            launch(i)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        for i in range(launches):
            launch(i)
    return replayed(graph.replay, launches)


def replayed(replay, launches):
    for _ in range(WARM_UPS):
        replay()
    torch.cuda.synchronize()
    times = []
    for _ in range(REPLAYS):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1000 / launches)
    first, middle, third = statistics.quantiles(times, n=4)
    return {"us": middle, "spread": (third - first) / 2 / middle}


def launches_for(us):
    return max(4, min(LAUNCHES_MAX, round(GRAPH_US / max(us, 1))))


def copies_for(bytes_each):
    return max(1, min(COPIES_MAX, BEYOND_CACHE_BYTES // max(1, bytes_each)))


def run(make):
    """A point: first a guess of its time, then a graph of as many launches as the clock needs."""
    try:
        launch = make()
        guess = timed(launch, 4)["us"]
        return timed(launch, launches_for(guess))
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return None


def products(sizes):
    capability = torch.cuda.get_device_capability()
    dtypes = ["bf16"] + (["fp8"] if capability >= (8, 9) and hasattr(torch, "_scaled_mm") else [])
    for dtype in dtypes:
        for outputs in sizes["outputs"]:
            for inputs in sizes["inputs"]:
                for tokens in sizes["tokens"]:
                    # _scaled_mm takes rows in sixteens; engines pad, so a smaller batch takes as long.
                    rows = tokens if dtype == "bf16" else max(16, tokens)
                    result = run(lambda: product(dtype, rows, outputs, inputs))
                    if result is not None:
                        yield {"kind": "product", "dtype": dtype, "outputs": outputs, "inputs": inputs, "tokens": tokens, **result}


def product(dtype, tokens, outputs, inputs):
    each = outputs * inputs * (2 if dtype == "bf16" else 1)
    count = copies_for(each)
    activation = torch.randn(tokens, inputs, device="cuda", dtype=torch.bfloat16)
    weights = [torch.randn(outputs, inputs, device="cuda", dtype=torch.bfloat16) for _ in range(count)]
    if dtype == "bf16":
        out = torch.empty(tokens, outputs, device="cuda", dtype=torch.bfloat16)
        return lambda i: torch.mm(activation, weights[i % count].t(), out=out)
    scale = torch.ones(1, device="cuda")
    weights = [weight.to(torch.float8_e4m3fn) for weight in weights]

    def launch(i):
        # The input is quantised in every step, as engines do it; the weights once.
        quantised = activation.to(torch.float8_e4m3fn)
        return torch._scaled_mm(quantised, weights[i % count].t(), scale_a=scale, scale_b=scale, out_dtype=torch.bfloat16)

    return launch


def attention_kernels():
    """Name, decode(q, k, v) and prefill(q, k, v); tensors are sequences x tokens x heads x dim."""
    flash = importable("flash_attn")
    if flash is not None and hasattr(flash, "flash_attn_with_kvcache"):
        return (
            f"flash-attn {flash.__version__}",
            lambda q, k, v: flash.flash_attn_with_kvcache(q, k, v, causal=True),
            lambda q, k, v: flash.flash_attn_func(q, k, v, causal=True),
        )
    sdpa = torch.nn.functional.scaled_dot_product_attention

    def whole(q, k, v, causal):
        q, k, v = (tensor.transpose(1, 2) for tensor in (q, k, v))
        return sdpa(q, k, v, is_causal=causal, enable_gqa=q.shape[1] != k.shape[1])

    return (
        f"torch {torch.__version__} scaled_dot_product_attention",
        lambda q, k, v: whole(q, k, v, False),
        lambda q, k, v: whole(q, k, v, True),
    )


def attention(kind, sizes):
    _, decode, prefill = attention_kernels()
    kernel = decode if kind == "decode_attention" else prefill
    for query_heads, kv_heads in sizes["heads"]:
        for sequences in sizes["sequences"]:
            for tokens in sizes["context" if kind == "decode_attention" else "prompt"]:
                queries = 1 if kind == "decode_attention" else tokens
                # A step has some 16 Ki prompt tokens at most, and a pool some millions of context.
                if sequences * tokens > (1 << 16 if queries > 1 else 1 << 22):
                    continue
                shape = {"queryHeads": query_heads, "kvHeads": kv_heads, "sequences": sequences, "tokens": tokens}
                result = run(lambda: attended(kernel, queries, shape))
                if result is not None:
                    yield {"kind": kind, "kvDtype": "bf16", "headDim": HEAD_DIM, **shape, **result}


def attended(kernel, queries, shape):
    def tensor(tokens, heads):
        return torch.randn(shape["sequences"], tokens, heads, HEAD_DIM, device="cuda", dtype=torch.bfloat16)

    each = 4 * shape["sequences"] * shape["tokens"] * shape["kvHeads"] * HEAD_DIM
    caches = [[tensor(shape["tokens"], shape["kvHeads"]) for _ in range(2)] for _ in range(copies_for(each))]
    query = tensor(queries, shape["queryHeads"])
    return lambda i: kernel(query, *caches[i % len(caches)])


def copies(sizes):
    for bytes_ in sizes["bytes"]:
        host = torch.empty(bytes_, dtype=torch.uint8, pin_memory=True)
        device = torch.empty(bytes_, dtype=torch.uint8, device="cuda")
        for direction, target, source in (("out", host, device), ("in", device, host)):
            # One at a time, waited for: what a swap waits for is the launch too.
            result = replayed(lambda: target.copy_(source, non_blocking=True), 1)
            yield {"kind": "copy", "direction": direction, "bytes": bytes_, **result}


def all_reduces(sizes):
    if torch.cuda.device_count() < 2:
        return []
    import torch.multiprocessing as processes

    context = processes.get_context("spawn")
    results = []
    gpus = 2
    while gpus <= torch.cuda.device_count():
        queue = context.SimpleQueue()
        ranks = [context.Process(target=all_reduce_rank, args=(rank, gpus, sizes["bytes"], queue)) for rank in range(gpus)]
        for rank in ranks:
            rank.start()
        results += [queue.get() for _ in sizes["bytes"]]
        for rank in ranks:
            rank.join()
        gpus *= 2
    return results


def all_reduce_rank(rank, gpus, sizes, queue):
    import torch.distributed as distributed

    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(29_500 + gpus))
    torch.cuda.set_device(rank)
    distributed.init_process_group("nccl", rank=rank, world_size=gpus)
    for bytes_ in sizes:
        message = torch.zeros(bytes_ // 2, device="cuda", dtype=torch.bfloat16)
        launches = 20

        def replay():
            for _ in range(launches):
                distributed.all_reduce(message)

        result = replayed(replay, launches)
        if rank == 0:
            queue.put({"kind": "all_reduce", "gpus": gpus, "bytes": bytes_, **result})
    distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few points of each kind")
    parser.add_argument("--only", help="kinds of points, with commas between")
    parser.add_argument("--points", type=int, help="so many of each kind at most")
    options = parser.parse_args()
    sizes = SIZES[options.quick]
    properties = torch.cuda.get_device_properties(0)
    say(
        kind="device",
        name=properties.name,
        gpus=torch.cuda.device_count(),
        multiprocessors=properties.multi_processor_count,
        memoryBytes=properties.total_memory,
        torch=torch.__version__,
        cuda=torch.version.cuda,
        attention=attention_kernels()[0],
    )
    kinds = {
        "product": lambda: products(sizes),
        "decode_attention": lambda: attention("decode_attention", sizes),
        "prefill_attention": lambda: attention("prefill_attention", sizes),
        "all_reduce": lambda: all_reduces(sizes),
        "copy": lambda: copies(sizes),
    }
    wanted = options.only.split(",") if options.only else list(kinds)
    for kind in wanted:
        if kind not in kinds:
            parser.error(f'--only has "{kind}"; it must be of {", ".join(kinds)}')
        for count, point in enumerate(kinds[kind](), start=1):
            say(**point)
            if count == options.points:
                break
        note(f"{kind}: measured")


if __name__ == "__main__":
    main()
