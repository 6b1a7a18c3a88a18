"""What tests of the command line share: a server, and `tuplespace` run against it."""

import json
import os
import pty
import subprocess
import sys
import tempfile
import time
import unittest

BIN = ""  # a folder that has tuplespaced and tuplespace


class Terminal:
    """A program whose standard error is a terminal, and its standard output a pipe."""

    def __init__(self, command, given=subprocess.DEVNULL):
        self.screen, other = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=given, stdout=subprocess.PIPE, stderr=other
        )
        os.close(other)
        self.shown = ""

    def read_until(self, text):
        """Reads the terminal until it shows the text, or the program has ended."""
        while text not in self.shown:
            try:
                more = os.read(self.screen, 4096)
            except OSError:  # the other end was closed
                break
            self.shown += more.decode().replace("\r\n", "\n")
        return self.shown

    def end(self):
        """Waits for the end; returns the exit code, output and what the terminal showed."""
        output = self.process.stdout.read().decode()
        code = self.process.wait()
        self.read_until("\0")
        os.close(self.screen)
        self.process.stdout.close()
        return code, output, self.shown


class CommandLine(unittest.TestCase):
    """Each test has a space of its own, of its name."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.log = open(os.path.join(cls.folder.name, "log"), "w")
        cls.server = subprocess.Popen(
            [f"{BIN}/tuplespaced", "--listen", "127.0.0.1:0", "--data", cls.folder.name + "/data"],
            stdout=subprocess.PIPE,
            stderr=cls.log,
            text=True,
        )
        line = cls.server.stdout.readline()
        cls.address = line.removeprefix("listening on ").strip()

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.server.stdout.close()
        cls.log.close()
        cls.folder.cleanup()

    def setUp(self):
        self.space = self.id().split(".")[-1]  # one space a test

    def command(self, *words):
        return [f"{BIN}/tuplespace", "--server", self.address, *words]

    def run_it(self, *words, given=b""):
        """Returns exit code, output and errors."""
        done = subprocess.run(self.command(*words), input=given, capture_output=True)
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode()

    def expect(self, code, output, errors, *words, given=b""):
        self.assertEqual((code, output, errors), self.run_it(*words, given=given))

    def put(self, *tuples):
        for text in tuples:
            self.expect(0, "", "", "out", self.space, text)

    def count(self, template="(...)"):
        return int(self.run_it("count", self.space, template)[1])

    def until(self, condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited a minute until " + what)
            time.sleep(0.01)

    def waiters(self, space):
        for line in self.run_it("spaces", space, "--json")[1].splitlines():
            found = json.loads(line)
            if found["name"] == space:
                return found["waiters"]
        return 0


def main():
    """Runs the tests of the program that was started: PROGRAM BIN [TEST...]."""
    global BIN
    BIN = sys.argv.pop(1)
    unittest.main(module="__main__")
