"""What can be said about style without understanding C++."""

import re
import shutil
import subprocess

from source import CODE, WORDS

LINES_MAX = 500
COLUMNS_MAX = 100
SNIPPETS_RUN = {"console", "cpp", "cmake"}  # tests/snippets executes these
SNIPPETS_SHOWN = {"text", "ebnf"}           # pictures and grammars: nothing to execute


def opening_comment(source):
    """Returns the comment that a C++ file opens with, as one string."""
    lines = []
    for line in source.lines:
        if not line.startswith("//"):
            break
        lines.append(line[2:].strip())
    return "\n".join(lines)


def silent_header(source):
    """A header opens with what the thing is and who may touch it."""
    if source.suffix != ".h":
        return
    comment = opening_comment(source)
    if len(comment) < 20:
        yield 1, "a header opens with a comment that says what the thing is"
    elif "Threads:" not in comment and not source.under("tests"):
        yield 1, 'the opening comment has no "Threads:" line (any, lane, or who)'


def long_file(source):
    """One concept, one pair of files."""
    if source.suffix in CODE or source.under("scripts"):
        if len(source.lines) > LINES_MAX:
            yield LINES_MAX, f"{len(source.lines)} lines, at most {LINES_MAX}; split it by concept"


def wide_line(source):
    scenario = source.suffix == ".script"  # one step is one line there
    if source.suffix in CODE and not scenario or source.under("scripts") \
            or source.name == "CMakeLists.txt":
        for number, line in enumerate(source.lines, 1):
            if len(line) > COLUMNS_MAX:
                yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"


def unfinished(source):
    """Nothing waits for a later that never comes."""
    if source.suffix in WORDS:
        for number, line in enumerate(source.lines, 1):
            found = re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", line)
            if found:
                yield number, f"{found[1]}: finish it or take it out"


def switched_off(source):
    """A test runs, or it is not there."""
    if source.suffix in CODE:
        for number, line in enumerate(source.lines, 1):
            found = re.search(r"\bDISA" r"BLED_\w+|^\s*#\s*if 0\b", line)
            if found:
                yield number, f"{found[0].strip()} is switched off: run it or take it out"


def attic(source):
    """A name says what is inside."""
    words = re.split(r"[/_.\-]", source.path)
    for word in words:
        if word in ("util", "utils", "common", "manager", "helper", "helpers", "misc"):
            yield 1, f'"{word}" in the path says nothing; name the file after what it is'


def machine_path(source):
    """The tree builds anywhere."""
    if source.suffix in WORDS:
        for number, line in enumerate(source.lines, 1):
            found = re.search(r"(?<![\w.])/(wo" r"rk|ro" r"ot|ho" r"me)/\w+", line)
            if found:
                yield number, f"{found[0]} is a path of one machine"


def dead_snippet(source):
    """Every snippet is executed by a test (tests/snippets)."""
    if source.suffix != ".md":
        return
    inside = False
    for number, line in enumerate(source.lines, 1):
        if not line.startswith("```"):
            continue
        language = line[3:].strip()
        if not inside and language not in SNIPPETS_RUN | SNIPPETS_SHOWN:
            yield number, (f'a snippet in "{language}" is executed by nobody; '
                           f"languages: {' '.join(sorted(SNIPPETS_RUN | SNIPPETS_SHOWN))}")
        inside = not inside


def unformatted(source):
    """clang-format-14 has the last word on layout."""
    if source.suffix not in (".h", ".cc"):
        return
    program = shutil.which("clang-format-14")
    if program is None:
        yield 1, "clang-format-14 is missing: scripts/install test"
        return
    run = subprocess.run([program, f"--assume-filename={source.path}"], input=source.text,
                         capture_output=True, text=True, check=True)
    for number, (is_line, wanted) in enumerate(
            zip(source.lines + [""], run.stdout.splitlines() + [""]), 1):
        if is_line != wanted:
            yield number, f"clang-format-14 -i wants: {wanted.strip()}"
            return


def shell_warning(source):
    """shellcheck finds nothing in our scripts."""
    if not source.text.startswith("#!/usr/bin/env bash"):
        return
    program = shutil.which("shellcheck")
    if program is None:
        yield 1, "shellcheck is missing: scripts/install test"
        return
    run = subprocess.run([program, "--format=gcc", "-"], input=source.text, capture_output=True,
                         text=True)
    for line in run.stdout.splitlines():
        found = re.match(r"-:(\d+):\d+: (.*)", line)
        yield int(found[1]), found[2]
