#!/usr/bin/env python3
"""docs/semantics.md is whole: rules numbered without a gap, each with tests that exist, ten
promises that rest on rules, and no model that speaks of a rule that is not there."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
RULES_MIN = 40


def tests_that_exist():
    """Names as the document writes them: scripts, and Suite.Name of GoogleTest and ctest."""
    names = {path.name for path in TESTS.glob("conformance/*.script")}
    for path in TESTS.rglob("*.cc"):
        for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", path.read_text(), re.M):
            names.add(f"{suite}.{name}")
    for path in TESTS.rglob("CMakeLists.txt"):
        names.update(re.findall(r"add_test\(NAME ([\w.]+)", path.read_text()))
    return names


def sections(text, heading):
    """Yields (first word of the heading, text under it) of every heading that matches."""
    for part in re.split(r"^(?=##)", text, flags=re.M):
        found = re.match(heading, part)
        if found:
            yield found[1], part


def faults(text, models, exist):
    rules = list(sections(text, r"### (R\d+) "))
    numbers = [number for number, _ in rules]
    if numbers != [f"R{n}" for n in range(1, len(numbers) + 1)] or len(numbers) < RULES_MIN:
        yield f"rules are not numbered from R1 without a gap: {' '.join(numbers)}"
    for number, part in rules:
        lines = re.findall(r"^Tests: (.*)$", part, re.M)
        named = re.findall(r"`([^`]+)`", lines[0]) if lines else []
        if len(lines) != 1:
            yield f"{number} has {len(lines)} lines of tests"
        elif not named:
            yield f"{number} names no test"
        for name in named:
            if name not in exist:
                yield f"{number} names {name}, which does not exist"
    promises = list(sections(text, r"### Promise (\d+):"))
    if [number for number, _ in promises] != [str(n) for n in range(1, 11)]:
        yield f"not ten promises: {[number for number, _ in promises]}"
    for number, part in promises:
        if not re.search(r"^Rests on: R\d", part, re.M):
            yield f"promise {number} rests on no rule"
    for where, words in (("semantics.md", text), *models.items()):
        for number in sorted(set(re.findall(r"\bR\d+\b", words)) - set(numbers)):
            yield f"{where} speaks of {number}, which is no rule"


def main():
    text = (TESTS.parent / "docs" / "semantics.md").read_text()
    models = {path.name: path.read_text() for path in HERE.glob("*.pml")}
    exist = tests_that_exist()
    found = list(faults(text, models, exist))
    # The test can fail: each of these must be seen.
    for broken in (text.replace("### R7 ", "### R77 "),
                   text.replace("`d05_pulse.script`", "`d05_puls.script`"),
                   text.replace("Tests: `d05_pulse.script`", ""),
                   text.replace("Tests: `d05_pulse.script`", "Tests: with its operation"),
                   text.replace("Rests on: R42", "Rests on nothing"),
                   text.replace("### Promise 10:", "### Later:"),
                   text + "as R99 says"):
        if broken == text or not list(faults(broken, models, exist)):
            found.append("the check itself misses a fault")
    for fault in found:
        print(fault, file=sys.stderr)
    rules = len(re.findall(r"^### R", text, re.M))
    print(f"{rules} rules, {len(models)} models, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
