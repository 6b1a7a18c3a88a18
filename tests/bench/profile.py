"""Profiles one benchmark and prints the functions in which server and client spend their time.

Called by scripts/profile. Uses perf where it is installed; otherwise valgrind's callgrind, which
counts instructions of a much slower run and cannot see waiting.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

from bench import Bench
from wire import out_request

SHARE_MIN = 0.7  # percent; functions below it are not shown


def server_benchmarks(bench, address, outstanding):
    """The load that each name puts on a server, as a command."""
    client = [f"{bench.bin}/bench_client"]
    load = ["--address", address, "--outstanding", str(outstanding)]
    commands = {f"pairs-{kind}": [*client, "pairs", "--space", f"bench-{kind}", *load]
                for kind in ("memory", "async", "sync")}
    commands["single"] = [*client, "single", "--address", address]
    commands["handover"] = [*client, "handover", "--address", address]
    commands["unary-out"] = [f"{bench.bin}/bench_echo", "unary", *load, "--path",
                             "/tuplespace.v1.TupleSpace/Out", "--request",
                             out_request("bench-memory")]
    return commands


def engine_benchmarks(bench, outstanding):
    command = [f"{bench.bin}/bench_engine", "--outstanding", str(outstanding)]
    kinds = {f"engine-{kind}": [*command, "pairs", "--durability", kind, "--data",
                                bench.data("engine")] for kind in ("memory", "async", "sync")}
    return kinds | {"engine-rd": [*command, "rd"], "engine-waiting": [*command, "waiting"]}


def report(path, title, lines_max):
    """Prints the top of a perf recording, a line a function."""
    done = subprocess.run(["perf", "report", "-i", path, "--no-children", "--stdio", "-g", "none",
                           "--percent-limit", str(SHARE_MIN), "--sort", "comm,dso,symbol"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [line for line in done.stdout.splitlines() if re.match(r"\s+\d", line)]
    print(f"\n{title}")
    for line in lines[:lines_max]:
        share, thread, library, function = line.split(None, 3)
        print(f"  {share:>7}  {thread:<16} {library:<24} {function.strip()[:90]}")


def with_perf(bench, options, command, server):
    mine = os.path.join(bench.directory, "mine")
    theirs = os.path.join(bench.directory, "theirs")
    frequency = ["-F", "1999", "-g"]
    beside = None
    if server is not None:
        beside = subprocess.Popen(["perf", "record", "-q", *frequency, "-o", theirs, "-p",
                                   str(server.pid)], stderr=subprocess.DEVNULL)
        time.sleep(0.3)  # perf attaches
    subprocess.run(["perf", "record", "-q", *frequency, "-o", mine, *command], check=True)
    if beside is not None:
        beside.terminate()
        beside.wait()
        report(theirs, "server", options.lines)
    report(mine, "client" if server is not None else "engine", options.lines)


def with_callgrind(bench, options, command):
    file = os.path.join(bench.directory, "callgrind")
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={file}", *command],
                   check=True)
    shown = subprocess.run(["callgrind_annotate", "--auto=no", file], stdout=subprocess.PIPE,
                           text=True, check=True).stdout
    print("\n".join(shown.splitlines()[:options.lines + 25]))


def main():
    parser = argparse.ArgumentParser(prog="scripts/profile", description=__doc__.split("\n\n")[0])
    parser.add_argument("what", help="pairs-memory pairs-async pairs-sync single handover "
                        "unary-out engine-memory engine-async engine-sync engine-rd "
                        "engine-waiting")
    parser.add_argument("--outstanding", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="tuplespace-profile-") as directory:
        bench = Bench(SimpleNamespace(bin=options.bin, quick=False, runs=1), directory)
        try:
            server = None
            commands = engine_benchmarks(bench, options.outstanding)
            if options.what not in commands:
                server, address = bench.ours()
                commands = server_benchmarks(bench, address, options.outstanding)
            if options.what not in commands:
                print(f"no benchmark {options.what}; see --help", file=sys.stderr)
                return 2
            command = [*commands[options.what], "--seconds", str(options.seconds)]
            if shutil.which("perf"):
                with_perf(bench, options, command, server)
            else:
                with_callgrind(bench, options, command)
        finally:
            bench.end_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
