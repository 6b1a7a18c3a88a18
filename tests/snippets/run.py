#!/usr/bin/env python3
"""Executes every snippet of a document and compares what it prints with what the document says.

    run.py --build BUILD DOCUMENT.md

console  Commands run in one bash, in an empty folder, with the programs of BUILD/bin on the PATH
         and TUPLESPACE_SERVER naming a fresh server. The lines under a command are its output;
         "..." stands for any text, alone on a line for any lines. A command ends with 0 unless it
         says otherwise itself (; echo $?).
cmake    The CMakeLists.txt of a project outside of this tree, and
cpp      its main.cc: built against an installed Tuplespace and run; it ends with 0 and prints
         what the `text` block that follows says.
text     Everywhere else: a picture, not executed.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import document
import shell

SECONDS_MAX = 300  # of one command


class Server:
    """A fresh tuplespaced on a port of its own."""

    def __init__(self, programs, folder):
        self._process = subprocess.Popen(
            [programs / "tuplespaced", "--listen", "127.0.0.1:0", "--data", folder / "data"],
            stdout=subprocess.PIPE, stderr=open(folder / "server.log", "w"), text=True)
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            raise SystemExit(f"the server did not start: {line!r}\n"
                             + (folder / "server.log").read_text())
        self.address = line.split()[-1]

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=60)


def run_console(block, bash):
    for command in document.commands_of(block):
        code, seen = bash.run(command.text, SECONDS_MAX)
        if code is None:
            yield command.line, f"did not end within {SECONDS_MAX} s: {command.text}", seen
            return
        if code != 0:
            yield command.line, f"ended with {code}: {command.text}", seen
        elif not document.same(command.expected, seen):
            yield command.line, f"printed something else: {command.text}", seen


def run_checked(*command, **options):
    """Returns (what went wrong or None, the output's lines)."""
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX, **options)
    return (f"ended with {done.returncode}" if done.returncode else None), done.stdout.splitlines()


def run_program(cmake, cpp, expected, build, folder, environment):
    """Builds and runs the project of a cmake and a cpp block outside of the tree."""
    project = folder / f"project{cpp.line}"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(cmake.text)
    (project / "main.cc").write_text(cpp.text)
    prefix = folder / "prefix"
    steps = [
        ("cmake", "--install", build, "--prefix", prefix),
        ("cmake", "-S", project, "-B", project / "build", "-G", "Ninja",
         f"-DCMAKE_PREFIX_PATH={prefix}"),
        ("cmake", "--build", project / "build"),
        (project / "build" / "main",),
    ]
    for step in steps[1 if prefix.exists() else 0:]:
        wrong, seen = run_checked(*step, env=environment)
        if wrong:
            yield cpp.line, f"{step[0]} {wrong}", seen
            return
    if expected and not document.same(expected.lines, seen):
        yield cpp.line, "printed something else", seen


def run_document(path, build):
    blocks = document.blocks_of(path.read_text())
    if not any(block.language in ("console", "cpp") for block in blocks):
        return
    programs = build / "bin"
    with tempfile.TemporaryDirectory(prefix="tuplespace-snippets-") as name:
        folder = pathlib.Path(name)
        (folder / "work").mkdir()
        server = Server(programs, folder)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": name, "LC_ALL": "C.UTF-8",
            "TUPLESPACE_SERVER": server.address,
        }
        bash = shell.Shell(folder / "work", environment)
        executed, cmake = 0, None
        try:
            for at, block in enumerate(blocks):
                if block.language == "console":
                    yield from run_console(block, bash)
                elif block.language == "cmake":
                    cmake = block
                elif block.language == "cpp":
                    following = blocks[at + 1] if at + 1 < len(blocks) else None
                    expected = following if following and following.language == "text" else None
                    yield from run_program(cmake, block, expected, build, folder, environment)
                else:
                    continue
                executed += 1
        finally:
            bash.end()
            code = server.stop()
        if code != 0:
            log = (folder / "server.log").read_text().splitlines()
            yield 1, f"the server ended with {code}", log
    print(f"{path.name}: {executed} of {len(blocks)} blocks executed")


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, required=True)
    arguments.add_argument("document", type=pathlib.Path)
    options = arguments.parse_args()
    failures = 0
    for line, complaint, seen in run_document(options.document, options.build.resolve()):
        failures += 1
        print(f"{options.document}:{line}: {complaint}")
        print("".join(f"    {text}\n" for text in seen[-40:]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
