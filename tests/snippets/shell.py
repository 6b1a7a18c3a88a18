"""Shell is one bash in which a document's commands run one after the other, as a reader's would."""

import os
import re
import selectors
import signal
import subprocess
import time

END = "\x01end of output\x01"
NOTICE = re.compile(r"bash: line \d+: +\d+ (Killed|Terminated)")  # bash's own words about jobs


class Shell:
    def __init__(self, folder, environment):
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)

    def run(self, text, seconds_max):
        """Runs a command. Returns its exit code and the lines it wrote; None: it did not end."""
        self._process.stdin.write(f"{text}\n{{ printf '%s%d\\n' '{END}' $?; }} 2>/dev/null\n")
        self._process.stdin.flush()
        out = self._process.stdout.fileno()
        deadline, seen = time.monotonic() + seconds_max, b""
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while True:
                before, mark, after = seen.partition(END.encode())
                if mark and b"\n" in after:
                    lines = before.decode().splitlines()
                    return int(after.split(b"\n")[0]), [t for t in lines if not NOTICE.match(t)]
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return None, seen.decode(errors="replace").splitlines()
                some = os.read(out, 65536)
                if not some:
                    return None, seen.decode(errors="replace").splitlines()
                seen += some

    def end(self):
        """Ends bash and everything it started in the background."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._process.stdout.close()
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
