"""Benchmarks: measures Tuplespace beside its peers and prints who is faster, and by how much.

Called by scripts/bench, which builds the programs first. Every row compares our figure with one
measured in the same run on the same machine: the two take turns, and medians are compared. What
is started here listens on free ports of 127.0.0.1, keeps its data in a temporary directory and is
ended by its process id. Figures decide nothing: the exit code is 0 when everything was measured.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from wire import in_request, out_request, rd_request

RECORD_KEY_BYTES = 15     # of a tuple of 100 bytes in our store, see space/record.h
RECORD_VALUE_BYTES = 118
ECHO_BYTES = 90           # an operation of ours on the stream: mean of out and in, both ways


class Bench:
    """The programs, the settings, the servers that run and the rows measured so far."""

    def __init__(self, options, directory):
        self.options = options
        self.bin = options.bin
        self.directory = directory
        self.seconds = 0.3 if options.quick else 1.0
        self.many = 100_000 if options.quick else 1_000_000
        self.started = []
        self.rows = []

    # ---- servers ----

    def data(self, name):
        path = os.path.join(self.directory, name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        return path

    def start(self, command, says=None):
        """Starts a process; with `says`, waits for that line and returns what its group found."""
        log = open(os.path.join(self.directory, "log"), "a")
        process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, stderr=log,
                                   stdout=subprocess.PIPE if says else log)
        self.started.append(process)
        while says:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{command[0]} ended before it said {says!r}")
            found = re.search(says, line)
            if found:
                return process, found.group(found.re.groups)
        return process, None

    def end(self, process):
        process.kill()
        process.wait()
        self.started.remove(process)

    def end_all(self):
        for process in list(self.started):
            self.end(process)

    def echo(self):
        return self.start([f"{self.bin}/bench_echo", "serve"], r"listening on (\S+)")

    def ours(self):
        """Our server with an empty directory and the three spaces."""
        process, address = self.start([f"{self.bin}/tuplespaced", "--listen", "127.0.0.1:0",
                                       "--data", self.data("ours")], r"listening on (\S+)")
        self.client(address, "create")
        return process, address

    def peer(self, command, port):
        process, _ = self.start(command)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return process
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{command[0]} does not listen on port {port}")

    def redis(self, name, *persistence):
        port = free_port()
        self.peer(["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "",
                   "--auto-aof-rewrite-percentage", "0", "--daemonize", "no",
                   "--dir", self.data(name), *persistence], port)
        return port

    def beanstalkd(self, name, *persistence):
        port = free_port()
        where = ["-b", self.data(name), *persistence] if persistence else []
        self.peer(["beanstalkd", "-l", "127.0.0.1", "-p", str(port), *where], port)
        return port

    # ---- measurements: each returns what the program printed ----

    def run(self, program, *arguments, timed=True):
        command = [f"{self.bin}/{program}", *map(str, arguments)]
        if timed:
            command += ["--seconds", str(self.seconds)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = done.stdout.strip().splitlines()
        if not lines:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(lines[-1])

    def client(self, address, what, *arguments):
        return self.run("bench_client", what, "--address", address, *arguments)

    def engine(self, what, *arguments):
        return self.run("bench_engine", what, *arguments)

    def load(self, peer, port, *arguments):
        return self.run("bench_peers", peer, "--port", port, "--connections", 64, *arguments)

    def take_turns(self, steps):
        """Runs every step once a round; returns a list of results for each."""
        results = {name: [] for name in steps}
        for round_number in range(self.options.runs):
            for name, step in steps.items():
                progress(f"run {round_number + 1} of {self.options.runs}: {name}")
                results[name].append(step())
        return results

    # ---- rows ----

    def row(self, name, unit, ours, other=None, other_name=None, goal=None):
        """`goal` is ('>=' or '<=', bound) on the ratio, or on ours where there is no other."""
        our_median = statistics.median(ours)
        other_median = statistics.median(other) if other else None
        ratio = our_median / other_median if other_median else None
        judged = our_median if ratio is None else ratio
        met = None
        if goal:
            met = judged >= goal[1] if goal[0] == ">=" else judged <= goal[1]
        self.rows.append({
            "row": name, "unit": unit, "ours": our_median, "other": other_median,
            "other_name": other_name, "ratio": ratio,
            "goal": f"{goal[0]} {goal[1]:g}{' x' if ratio is not None else ''}" if goal else None,
            "met": met, "runs": len(ours)})
        progress("")
        print(line_of(self.rows[-1]), flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def figure(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def line_of(row):
    ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
    met = {True: "yes", False: "NO", None: "-"}[row["met"]]
    return (f"{row['row']:<46} {row['unit']:<8} {figure(row['ours']):>10} "
            f"{figure(row['other']):>10} {ratio:>6}  {row['goal'] or '-':<9} {met:<4} "
            f"{row['other_name'] or ''}")


def values(results, key="rate", times=1.0):
    return [result[key] * times for result in results]


# ---- the groups of rows; --only chooses by these names ----

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
        progress(f"run {round_number + 1} of {bench.options.runs}: recovery")
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
    per_client = 1_000 if bench.options.quick else 2_500
    clients = 4

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


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


GROUPS = (latency, pairs64, pairs4096, unary, engine_sync, rd, waiting, memory, recovery, deadline,
          connections)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="of each measurement (default 5)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="groups whose names match: "
                        + " ".join(group.__name__ for group in GROUPS))
    parser.add_argument("--quick", action="store_true", help="short and small: shows that it works")
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--results", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.runs = min(options.runs, 2)

    print(f"{'row':<46} {'unit':<8} {'ours':>10} {'other':>10} {'ratio':>6}  {'goal':<9} "
          f"{'met':<4} other")
    failed = []
    with tempfile.TemporaryDirectory(prefix="tuplespace-bench-") as directory:
        bench = Bench(options, directory)
        for group in GROUPS:
            if not re.search(options.only, group.__name__):
                continue
            try:
                group(bench)
            except (RuntimeError, OSError, ValueError) as error:
                progress("")
                print(f"{group.__name__}: not measured: {error}", flush=True)
                failed.append(group.__name__)
            finally:
                bench.end_all()
    os.makedirs(os.path.dirname(options.results), exist_ok=True)
    with open(options.results, "w") as file:
        json.dump(bench.rows, file, indent=1)
    missed = sum(row["met"] is False for row in bench.rows)
    judged = sum(row["met"] is not None for row in bench.rows)
    print(f"{judged - missed} of {judged} goals met; rows in {options.results}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
