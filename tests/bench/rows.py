"""The rows of the benchmark table, in groups; --only chooses groups by the names of their
functions. Each measures on a Bench (bench.py) and adds its rows; the goals are those of the
design."""

import os
import resource

from wire import in_request, out_request, rd_request

RECORD_KEY_BYTES = 15     # of a tuple of 100 bytes in our store, see space/record.h
RECORD_VALUE_BYTES = 118
ECHO_BYTES = 90           # an operation of ours on the stream: mean of out and in, both ways


def values(results, key="rate", times=1.0):
    return [result[key] * times for result in results]


def unary(bench):
    _, echo = bench.echo()
    _, ours = bench.ours()
    requests = {"out": out_request("bench-memory"), "rd": rd_request("bench-memory"),
                "in": in_request("bench-memory")}
    paths = {"out": "Out", "rd": "Rd", "in": "In"}
    stock = bench.many // 5  # more than `in` can take in its time

    def call(address, path, request, outstanding):
        return bench.run("bench_echo", "unary", "--address", address, "--path", path,
                         "--request", request, "--outstanding", outstanding)

    for outstanding in (1, 16, 64):
        steps = {}
        for verb, request in requests.items():
            def ours_step(verb=verb, request=request):
                bench.client(ours, "create")  # empties the spaces
                if verb != "out":
                    bench.client(ours, "fill", "--tuples", stock)
                path = f"/tuplespace.v1.TupleSpace/{paths[verb]}"
                return call(ours, path, request, outstanding)
            steps[verb] = ours_step
            steps[f"{verb} echo"] = lambda request=request: call(
                echo, "/bench.Echo/Unary", request, outstanding)
        results = bench.take_turns(steps)
        for verb in requests:
            bench.row(f"unary {verb}, {outstanding} outstanding", "op/s",
                      values(results[verb]), values(results[f"{verb} echo"]),
                      "raw unary echo", (">=", 0.9))


def latency(bench):
    _, echo = bench.echo()
    _, ours = bench.ours()
    results = bench.take_turns({
        "single": lambda: bench.client(ours, "single"),
        "echo": lambda: bench.run("bench_echo", "stream", "--address", echo,
                                  "--bytes", ECHO_BYTES),
        "handover": lambda: bench.client(ours, "handover")})
    for key, name in (("single", "one caller, one at a time, p50"),
                      ("handover", "hand-over to a waiting client, p50")):
        bench.row(name, "us", values(results[key], "p50_us"), values(results["echo"], "p50_us"),
                  "raw stream echo, p50", ("<=", 1.3))


def pairs64(bench):
    _, echo = bench.echo()
    _, ours = bench.ours()
    none, everysec, always = redis_of_each_kind(bench)
    flushing = bench.beanstalkd("beanstalkd", "-f0")
    volatile = bench.beanstalkd("beanstalkd-default")
    results = bench.take_turns({
        "memory": lambda: our_pairs(bench, ours, "memory", 64),
        "echo": lambda: coalesced(bench, echo, 64),
        "redis none": lambda: bench.load("redis", none),
        "async": lambda: our_pairs(bench, ours, "async", 64),
        "redis everysec": lambda: bench.load("redis", everysec),
        "sync": lambda: our_pairs(bench, ours, "sync", 64),
        "redis always": lambda: bench.load("redis", always),
        "beanstalkd -f0": lambda: bench.load("beanstalkd", flushing),
        "beanstalkd": lambda: bench.load("beanstalkd", volatile),
        "fdatasync": lambda: disk(bench, "fdatasync")})
    pairs = {name: values(results[name], times=0.5) for name in ("memory", "async", "sync")}
    peers = {name: values(results[name]) for name in results}

    bench.row("64 callers, memory", "op/s", peers["memory"], peers["echo"], "raw coalesced echo",
              (">=", 0.6))
    bench.row("64 callers, memory", "pairs/s", pairs["memory"], peers["redis none"],
              "Redis, no persistence", (">=", 3.5))
    bench.row("64 callers, async", "op/s", peers["async"], peers["echo"], "raw coalesced echo",
              (">=", 0.35))
    bench.row("64 callers, async", "pairs/s", pairs["async"], peers["redis everysec"],
              "Redis everysec", (">=", 2))
    bench.row("64 callers, sync", "pairs/s", pairs["sync"], peers["redis always"],
              "Redis always", (">=", 2))
    bench.row("64 callers, sync", "pairs/s", pairs["sync"], peers["beanstalkd -f0"],
              "beanstalkd -f0", (">=", 2))
    bench.row("64 callers, memory", "pairs/s", pairs["memory"], peers["beanstalkd"],
              "beanstalkd, default")
    bench.row("64 callers, sync", "op/s", peers["sync"], peers["fdatasync"],
              "raw fdatasync, same bytes", (">=", 0.3))


def pairs4096(bench):
    _, ours = bench.ours()
    _, echo = bench.echo()
    none, everysec, always = redis_of_each_kind(bench)
    kinds = (("memory", none, "Redis, no persistence", 0.8),
             ("async", everysec, "Redis everysec", 0.5), ("sync", always, "Redis always", 0.7))
    steps = {"echo": lambda: coalesced(bench, echo, 4096)}
    for kind, port, _, _ in kinds:
        steps[kind] = lambda kind=kind: our_pairs(bench, ours, kind, 4096)
        steps[f"redis {kind}"] = lambda port=port: bench.load("redis", port, "--pipeline", 64)
    results = bench.take_turns(steps)
    for kind, _, name, goal in kinds:
        bench.row(f"4096 outstanding, {kind}", "pairs/s", values(results[kind], times=0.5),
                  values(results[f"redis {kind}"]), f"{name}, 64 x -P 64", (">=", goal))
    bench.row("4096 outstanding, memory", "op/s", values(results["memory"]),
              values(results["echo"]), "raw coalesced echo")


def redis_of_each_kind(bench):
    return (bench.redis("redis-none", "--appendonly", "no"),
            bench.redis("redis-everysec", "--appendonly", "yes", "--appendfsync", "everysec"),
            bench.redis("redis-always", "--appendonly", "yes", "--appendfsync", "always"))


def our_pairs(bench, address, kind, outstanding):
    return bench.client(address, "pairs", "--space", f"bench-{kind}",
                        "--outstanding", outstanding)


def coalesced(bench, address, outstanding):
    return bench.run("bench_echo", "coalesced", "--address", address, "--bytes", ECHO_BYTES,
                     "--outstanding", outstanding)


def disk(bench, what):
    return bench.run("bench_disk", what, "--directory", bench.data("disk"),
                     "--key", RECORD_KEY_BYTES, "--value", RECORD_VALUE_BYTES)


def engine_sync(bench):
    results = bench.take_turns({
        "engine": lambda: bench.engine("pairs", "--durability", "sync", "--outstanding", 64,
                                       "--data", bench.data("engine")),
        "rocksdb": lambda: disk(bench, "rocksdb"),
        "fdatasync": lambda: disk(bench, "fdatasync")})
    bench.row("engine alone, sync, 64 callers", "op/s", values(results["engine"]),
              values(results["rocksdb"]), "RocksDB, synced batches of 64", (">=", 0.8))
    bench.row("RocksDB alone, synced batches of 64", "op/s", values(results["rocksdb"]),
              values(results["fdatasync"]), "raw fdatasync, same bytes")


def rd(bench):
    _, few = bench.ours()
    _, many = bench.ours()
    bench.client(few, "fill", "--tuples", 1_000)
    bench.client(many, "fill", "--tuples", bench.many)

    def over_the_wire(address, tuples):
        return bench.client(address, "rd", "--tuples", tuples, "--outstanding", 64)

    over_the_wire(many, bench.many)  # the question is asked: its index is built
    results = bench.take_turns({
        "few": lambda: over_the_wire(few, 1_000),
        "many": lambda: over_the_wire(many, bench.many),
        "engine": lambda: bench.engine("rd", "--tuples", bench.many, "--outstanding", 64)})
    each_us = [1e6 / rate for rate in values(results["many"])]
    bench.row(f"rd by one field, {bench.many:,} tuples", "us/op", each_us,
              [1e6 / rate for rate in values(results["few"])], "the same with 1,000",
              ("<=", 1.3))
    bench.row(f"rd by one field, {bench.many:,}, engine alone", "us/op",
              [1e6 / rate for rate in values(results["engine"])], goal=("<=", 3))
    bench.row(f"rd by one field, {bench.many:,}, examined", "tuples",
              values(results["engine"], "candidates"), goal=("<=", 1))


def waiting(bench):
    per_connection = 10_000
    counts = (0, bench.many // 10, bench.many)
    servers = {}
    for count in counts:
        _, servers[count] = bench.ours()
        if count > 0:
            bench.start([f"{bench.bin}/bench_client", "connections", "--address", servers[count],
                         "--connections", str(count // per_connection),
                         "--waits", str(per_connection)], "(ready)")
    steps = {}
    for count in counts:
        steps[count] = lambda count=count: bench.client(servers[count], "outs",
                                                        "--outstanding", 64)
        steps[f"engine {count}"] = lambda count=count: bench.engine(
            "waiting", "--tuples", count, "--outstanding", 64)
    results = bench.take_turns(steps)
    each_us = {step: [1e6 / rate for rate in values(results[step])] for step in steps}
    for count in counts[1:]:
        bench.row(f"out beside {count:,} waiting templates", "us/op", each_us[count], each_us[0],
                  "out with none waiting", ("<=", 1.3))
        bench.row(f"out beside {count:,}, engine alone", "us/op", each_us[f"engine {count}"],
                  each_us["engine 0"], "out with none waiting")


def memory(bench):
    results = bench.take_turns({"memory": lambda: bench.engine("memory", "--tuples", bench.many)})
    bench.row("resident memory per 100-byte tuple, 1 question", "bytes",
              values(results["memory"], "one_question"), goal=("<=", 200))
    bench.row("resident memory per further question", "bytes",
              values(results["memory"], "further_question"), goal=("<=", 24))


def recovery(bench):
    def opened(data):
        return bench.engine("recover", "--durability", "async", "--tuples", bench.many,
                            "--data", data)

    rates = {"log": [], "SST files": []}
    for round_number in range(bench.options.runs):
        bench.progress(f"run {round_number + 1} of {bench.options.runs}: recovery")
        data = bench.data("recovery")
        bench.engine("fill", "--durability", "async", "--tuples", bench.many, "--data", data)
        for source in rates:  # what was recovered from the log is in SST files afterwards
            rates[source].append(opened(data)["rate"])
    for source, goal in (("SST files", 1e6), ("log", 4e5)):
        bench.row(f"recovery of {bench.many:,} after SIGKILL, {source}", "tuples/s",
                  rates[source], goal=(">=", goal))


def deadline(bench):
    _, ours = bench.ours()
    results = bench.take_turns({"late": lambda: bench.client(ours, "late")})
    bench.row("a wait of 50 ms ends late by, p50", "ms", values(results["late"], "p50_us", 1e-3),
              goal=("<=", 10))
    bench.row("a wait of 50 ms ends late by, at most", "ms",
              values(results["late"], "max_us", 1e-3), goal=("<=", 10))


def connections(bench):
    # The server keeps four descriptors ready for each connection.
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 4
    clients = 4
    per_client = min(1_000 if bench.options.quick else 2_500, (allowed - 100) // clients)

    def grown(server, client_command):
        process, address = server()
        before = resident(process.pid)
        idle = [bench.start(client_command(address), "(ready)")[0] for _ in range(clients)]
        after = resident(process.pid)
        for client in [*idle, process]:
            bench.end(client)
        return {"kib": (after - before) / 1024 / (per_client * clients)}

    results = bench.take_turns({
        "ours": lambda: grown(bench.ours, lambda address: [
            f"{bench.bin}/bench_client", "connections", "--address", address,
            "--connections", str(per_client)]),
        "echo": lambda: grown(bench.echo, lambda address: [
            f"{bench.bin}/bench_echo", "idle", "--address", address,
            "--streams", str(per_client)])})
    bench.row(f"memory of a connection, {per_client * clients:,} that wait", "KiB",
              values(results["ours"], "kib"), values(results["echo"], "kib"),
              "raw gRPC, idle streams", ("<=", 1.25))


def coordination(bench):
    _, ours = bench.ours()
    _, watched = bench.ours()
    bench.client(watched, "create")
    bench.start([f"{bench.bin}/bench_client", "watch", "--address", watched,
                 "--space", "bench-memory"], "(ready)")

    def rounds(kind):
        return bench.client(ours, f"{kind}-rounds", "--outstanding", 64)

    few, many = 1_000, 10_000
    results = bench.take_turns({
        "plain": lambda: bench.engine("pairs", "--outstanding", 64),
        "numbered": lambda: bench.engine("numbered", "--outstanding", 64),
        "pair": lambda: rounds("pair"), "held": lambda: rounds("held"),
        "atomic": lambda: rounds("atomic"), "transaction": lambda: rounds("transaction"),
        "pairs": lambda: our_pairs(bench, ours, "memory", 64),
        "watched": lambda: our_pairs(bench, watched, "memory", 64),
        "few": lambda: bench.engine("groups", "--tuples", few),
        "many": lambda: bench.engine("groups", "--tuples", many)})
    each_us = {step: [1e6 / rate for rate in values(results[step])] for step in results}
    three_us = [3 * us for us in each_us["pair"]]
    bench.row("exactly once: a numbered operation, engine alone", "us/op", each_us["numbered"],
              each_us["plain"], "without a number", ("<=", 1.3))
    bench.row("out, in under a hold, settle; 64 callers", "us/round", each_us["held"],
              each_us["pair"], "out, in", ("<=", 2))
    bench.row("two takes and an out as an atomic; 64 callers", "us/round", each_us["atomic"],
              three_us, "the same six operations one by one")
    bench.row("two takes and an out in a transaction; 64 callers", "us/round",
              each_us["transaction"], three_us, "the same six operations one by one")
    bench.row("two takes and an out in a transaction; 64 callers", "us/round",
              each_us["transaction"], each_us["atomic"], "as an atomic")
    bench.row("64 callers, memory, one watcher of all", "us/op", each_us["watched"],
              each_us["pairs"], "nobody watching")
    bench.row(f"settle one of {many:,} held groups and take it again, engine alone", "us",
              each_us["many"], each_us["few"], f"of {few:,}", ("<=", 1.3))


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


GROUPS = (latency, pairs64, pairs4096, unary, engine_sync, rd, waiting, memory, recovery, deadline,
          connections, coordination)
