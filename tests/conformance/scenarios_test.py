"""SCENARIOS.md is whole: every scenario once, every script named there, nothing else named."""

import collections
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent


def numbers(letter, *spans):
    return [f"{letter}{n}" for first, last, step in spans for n in range(first, last + 1, step)]


# The numbers that the list of scenarios gives.
GIVEN = (
    numbers("A", (1, 27, 1))
    + ["B2", "B4", "B6", "B8", "B10", "B12", "B14", "B16", "B18", "B20", "B22", "B24"]
    + numbers("C", (2, 12, 2)) + numbers("D", (1, 13, 2)) + numbers("E", (2, 32, 2))
    + numbers("F", (1, 13, 2)) + numbers("G", (2, 18, 2)) + numbers("H", (1, 19, 2))
    + numbers("I", (1, 10, 1)) + numbers("J", (1, 8, 1)) + numbers("K", (1, 16, 1))
)


def faults(text, scripts):
    """Yields what is wrong with the text of SCENARIOS.md."""
    rows = re.findall(r"^\| ([A-L]\d+) \| (.*) \|$", text, re.M)
    seen = collections.Counter(number for number, _ in rows)
    for number in GIVEN:
        if seen[number] != 1:
            yield f"{number} stands {seen[number]} times"
    for number in seen:
        if number not in GIVEN:
            yield f"{number} is no scenario"
    for number, where in rows:
        if not re.search(r"\.script|part|not ours, because|tests/|README|fuzzer", where):
            yield f"{number} is nowhere: {where}"
    named = set(re.findall(r"([a-z0-9_]+)\.script", text))
    for name in sorted(named - scripts):
        yield f"{name}.script is named and does not exist"
    for name in sorted(scripts - named):
        yield f"{name}.script is not named"


def main():
    text = (HERE / "SCENARIOS.md").read_text()
    scripts = {path.stem for path in HERE.glob("*.script")}
    found = list(faults(text, scripts))
    # The test can fail: each of these must be seen.
    for broken, left in ((text.replace("| A9 |", "| A10 |"), scripts),
                         (re.sub(r"\| E2 \| .* \|", "| E2 | soon |", text), scripts),
                         (text, scripts - {"a09_arity"}),
                         (text, scripts | {"new"})):
        if not list(faults(broken, left)):
            found.append("the check itself misses a fault")
    for fault in found:
        print(f"SCENARIOS.md: {fault}", file=sys.stderr)
    print(f"{len(GIVEN)} scenarios, {len(scripts)} scripts, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
