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

import rows


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
                self.progress(f"run {round_number + 1} of {self.options.runs}: {name}")
                results[name].append(step())
        return results

    # ---- rows ----

    @staticmethod
    def progress(text):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

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
        self.progress("")
        print(line_of(self.rows[-1]), flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="of each measurement (default 5)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="groups whose names match: "
                        + " ".join(group.__name__ for group in rows.GROUPS))
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
        for group in rows.GROUPS:
            if not re.search(options.only, group.__name__):
                continue
            try:
                group(bench)
            except (RuntimeError, OSError, ValueError) as error:
                bench.progress("")
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
