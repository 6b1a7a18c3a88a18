#!/usr/bin/env python3
"""Searches the models of docs/semantics.md with spin, every state, and says what it found.

    models.py check [MODEL]...      no promise breaks, nothing was cut short, nothing unreached
    models.py mutants [NAME]...     each rule broken on purpose is found, by the promise it breaks

MODEL: waits, transactions, sessions. Needs spin and gcc (scripts/install test). When a check
fails, the folder it names has the trail: `spin -t -p MODEL.pml` there replays it.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

DEPTH_MAX = 8_000_000  # steps of one path; 53 bytes of stack each
MEMORY_MAX = 1_800     # MiB, of a search
SECONDS_MAX = 900      # of a search, on a machine that does other things too

MODELS = {
    "waits": ("space.pml", ["-DPART=1"]),
    "transactions": ("space.pml", ["-DPART=2", "-DPLACES=3"]),
    "sessions": ("session.pml", []),
}

# The model, the rule that is broken, and what must be seen of it.
MUTANTS = [
    ("waits", "DOUBLE_TAKE", "two_owners"),
    ("waits", "LOST_WAKEUP", "lost_wakeup"),
    ("waits", "WEAK_INP", "weak_none"),
    ("waits", "LATE_SETTLE", "two_owners"),
    ("transactions", "NO_ROOM", "lost_wakeup"),
    ("transactions", "UNCHECKED_NONE", "wrong_commit"),
    ("transactions", "DIRTY_NONE", "wrong_commit"),
    ("transactions", "OWN_NONE", "wrong_commit"),
    ("sessions", "EARLY_ANSWER", "lost"),
    ("sessions", "TORN_BATCH", "twice"),
    ("sessions", "NUMBER_AGAIN", "indefinite"),
    ("sessions", "FORGETFUL_RESUME", "indefinite"),
    ("sessions", "SILENT_END", "lost_wakeup"),
]


@dataclasses.dataclass
class Search:
    output: str

    def number(self, pattern):
        found = re.search(pattern, self.output, re.M)
        return float(found[1]) if found else None

    @property
    def errors(self):
        return self.number(r"errors: (\d+)$")

    @property
    def broken(self):
        """The flag whose assertion was violated, or None."""
        found = re.search(r"assertion violated\s+!\((\w+)\)", self.output)
        return found[1] if found else None

    @property
    def faults(self):
        """Why this is no proof; empty if it is one."""
        if self.errors is None:
            return ["it did not end"]
        faults = []
        if self.errors:
            faults.append(f"{self.errors:.0f} errors: {self.broken or 'see the output'}")
        for cut in ("max search depth too small", "Search not completed", "out of memory",
                    "reached -DMEMLIM", "hash-compact"):
            if cut in self.output:
                faults.append(f"not exhaustive: {cut}")
        unreached = re.findall(r"^\s*\((\d+) of \d+ states\)", self.output, re.M)
        if not self.errors and unreached != ["1"]:  # the end of a process that goes on for ever
            faults.append(f"unreached statements: {unreached}")
        return faults

    def figures(self):
        states = self.number(r"^ *([0-9.e+]+) states, stored")
        depth = self.number(r"depth reached (\d+)")
        memory = self.number(r"^ *([0-9.]+)\s+total actual memory")
        seconds = self.number(r"elapsed time ([0-9.e+-]+)")
        return f"{states:.0f} states, depth {depth:.0f}, {memory:.0f} MiB, {seconds:.1f} s"


def search(model, folder, mutation=None, depth=DEPTH_MAX):
    file, definitions = MODELS[model]
    for part in HERE.glob("*.pml"):
        shutil.copy(part, folder)
    mutate = [f"-DMUTATE_{mutation}"] if mutation else []
    run = {"cwd": folder, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True,
           "timeout": SECONDS_MAX}
    # A mutant is found soon: there the compiler's time counts.
    steps = [["spin", "-a", *definitions, *mutate, file],
             ["gcc", "-O0" if mutation else "-O2", "-w", "-DSAFETY", "-DNOFAIR",
              f"-DMEMLIM={MEMORY_MAX}", "-o", "pan", "pan.c"]]
    for step in steps:
        done = subprocess.run(step, **run)
        if done.returncode:
            raise SystemExit(f"{' '.join(step)} ended with {done.returncode}:\n{done.stdout}")
    return Search(subprocess.run(["./pan", f"-m{depth}"], **run).stdout)


def check(models):
    failures = 0
    for model in models or MODELS:
        folder = tempfile.mkdtemp(prefix=f"tuplespace-model-{model}-")
        found = search(model, folder)
        if found.faults:
            failures += 1
            print(f"{model}: {'; '.join(found.faults)}; see {folder}\n{found.output}")
        else:
            print(f"{model}: nothing found in {found.figures()}")
            shutil.rmtree(folder)
    return failures


def mutants(names):
    failures = 0
    for model, mutation, expected in MUTANTS:
        if names and mutation not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="tuplespace-mutant-") as folder:
            found = search(model, folder, mutation)
        if not found.errors or found.broken != expected:
            failures += 1
            print(f"{model} {mutation}: {found.broken}, not {expected}\n{found.output}")
        else:
            print(f"{model} {mutation}: {found.broken} after {found.figures()}")
    if not names:  # a search that is cut short must not pass for a proof, either
        with tempfile.TemporaryDirectory(prefix="tuplespace-mutant-") as folder:
            found = search("transactions", folder, depth=1_000)
        if not any("depth" in fault for fault in found.faults):
            failures += 1
            print(f"a search cut short was not noticed: {found.faults}\n{found.output}")
    return failures


def main():
    missing = [name for name in ("spin", "gcc") if shutil.which(name) is None]
    if missing:
        print(f"{' and '.join(missing)} missing: scripts/install test", file=sys.stderr)
        return 1
    work = {"check": (check, MODELS), "mutants": (mutants, [m[1] for m in MUTANTS])}
    verb, names = (sys.argv[1:2] or [""])[0], sys.argv[2:]
    if verb not in work or not set(names) <= set(work[verb][1]):
        print(__doc__, file=sys.stderr)
        return 2
    return 1 if work[verb][0](names) else 0


if __name__ == "__main__":
    sys.exit(main())
