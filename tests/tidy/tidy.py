#!/usr/bin/env python3
"""tidy holds the tree to its rules. It ends with 1 and one line per complaint if it breaks one.

    tidy.py tree                  every rule on every file
    tidy.py proof                 every rule on a sample that breaks it and one that does not
"""

import concurrent.futures
import pathlib
import sys

import layers
import samples
import source
import style

RULES = [
    layers.wrong_includes, layers.wrong_links, layers.stray_platform,
    style.silent_header, style.long_file, style.wide_line, style.unfinished, style.switched_off,
    style.attic, style.machine_path, style.dead_snippet, style.unformatted, style.shell_warning,
]


def complaints_about(file):
    return [f"{file.path}:{number}: {rule.__name__}: {complaint}"
            for rule in RULES for number, complaint in rule(file)]


def check_tree():
    files = source.tree(pathlib.Path(__file__).resolve().parents[2])
    if len(files) < 20:
        return [f"found only {len(files)} files: this is not the tree"]
    with concurrent.futures.ThreadPoolExecutor() as pool:  # clang-format takes most of the time
        return [line for lines in pool.map(complaints_about, files) for line in lines]


def prove_rules():
    wrong = []
    for rule in RULES:
        bad = [s for s in samples.BAD if s[0] == rule.__name__]
        good = [s for s in samples.GOOD if s[0] == rule.__name__]
        if not bad or not good:
            wrong.append(f"{rule.__name__}: has no bad sample or no good one")
        for _, path, text in bad:
            if not list(rule(source.Source(path, text))):
                wrong.append(f"{rule.__name__}: accepts {path}: {text[:60]!r}")
        for _, path, text in good:
            for number, complaint in rule(source.Source(path, text)):
                wrong.append(f"{rule.__name__}: refuses {path}:{number}: {complaint}")
    return wrong


def main():
    work = {"tree": check_tree, "proof": prove_rules}
    if len(sys.argv) != 2 or sys.argv[1] not in work:
        print(__doc__, file=sys.stderr)
        return 2
    complaints = work[sys.argv[1]]()
    print("\n".join(complaints) if complaints else "nothing to complain about")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
