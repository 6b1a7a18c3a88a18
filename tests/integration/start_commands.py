#!/usr/bin/env python3
"""scripts/run serves, and its three lines to try work; a taken port is named with its owner.

    start_commands.py SOURCE
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv.pop())


def run_script(*settings):
    return subprocess.Popen([SOURCE / "scripts/run", *settings], cwd=SOURCE, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class ScriptsRun(unittest.TestCase):
    def test_serves_and_says_what_to_try(self):
        with tempfile.TemporaryDirectory() as folder:
            server = run_script("--listen", "127.0.0.1:0", "--data", f"{folder}/data")
            try:
                lines = []
                while not lines or not lines[-1].startswith("listening on "):
                    lines.append(server.stdout.readline())
                    self.assertTrue(lines[-1], f"it ended: {lines} {server.poll()}")
                address = lines[-1].split()[-1]
                to_try = [line for line in lines if "bin/tuplespace " in line]
                self.assertEqual(len(to_try), 3)
                seen = [subprocess.run(line, shell=True, cwd=SOURCE, text=True, check=True,
                                       env=os.environ | {"TUPLESPACE_SERVER": address},
                                       stdout=subprocess.PIPE).stdout for line in to_try]
                self.assertEqual(seen, ["", '("resize", 7, "cat.png")\n'] +
                                 ['("resize", 7, "cat.png")\n'])
            finally:
                server.send_signal(signal.SIGTERM)
                _, log = server.communicate(timeout=60)
            self.assertEqual(server.returncode, 0, log)

    def test_names_who_has_the_port(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with tempfile.TemporaryDirectory() as folder:
                refused = run_script("--listen", f"127.0.0.1:{port}", "--data", f"{folder}/data")
                _, log = refused.communicate(timeout=60)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(str(port), log)
        self.assertIn(f"pid {os.getpid()}", log)


if __name__ == "__main__":
    unittest.main()
