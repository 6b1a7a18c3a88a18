"""A seed says the same twice, in two processes: `python3 replay_test.py SIMULATE`."""

import subprocess
import sys


def said(*arguments):
    run = subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


for seed in ("7", "12", "606"):  # one shard, two shards, two lanes
    first, second = (said("--seed", seed, "--seeds", "1", "--print") for _ in range(2))
    figures = next(i for i, line in enumerate(first) if line.startswith("1 seeds"))
    if first[:figures] != second[:figures]:
        differs = next(i for i, pair in enumerate(zip(first, second)) if pair[0] != pair[1])
        sys.exit(f"seed {seed} differs in line {differs}:\n{first[differs]}\n{second[differs]}")
    print(f"seed {seed}: {figures} lines, the same twice")
