"""Source is one file of the tree as a rule sees it: its path, its text, its lines."""

import dataclasses
import pathlib
import re
import subprocess

CODE = (".h", ".cc", ".proto", ".py", ".script")
WORDS = CODE + (".md", ".txt", ".json", "")  # everything that people read; "" is for scripts


@dataclasses.dataclass(frozen=True)
class Source:
    path: str  # from the root of the tree, with slashes
    text: str

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def suffix(self):
        return pathlib.PurePosixPath(self.path).suffix

    @property
    def name(self):
        return pathlib.PurePosixPath(self.path).name

    def under(self, *folders):
        return any(self.path.startswith(folder + "/") for folder in folders)

    def includes(self):
        """Yields (line number, what stands between the quotes or brackets)."""
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            if found:
                yield number, found[1]


def tree(root):
    """Returns every text file that belongs to the project: what git knows or would add."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True)
    if listed.returncode == 0:
        paths = listed.stdout.decode().split("\0")
    else:  # a tree without git: an archive
        paths = [str(p.relative_to(root)) for p in root.rglob("*")]
        paths = [p for p in paths if not p.startswith(("build", "data/", ".git/"))]
    sources = []
    for path in sorted(set(paths)):
        file = root / path
        if not path or not file.is_file() or file.is_symlink():
            continue
        try:
            sources.append(Source(path, file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # not text: a corpus, an old data directory
    return sources
