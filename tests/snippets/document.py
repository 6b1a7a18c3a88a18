"""Blocks are the fenced snippets of a Markdown document, in order."""

import dataclasses


@dataclasses.dataclass
class Block:
    language: str
    line: int  # of the first line inside, from 1
    lines: list

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


@dataclasses.dataclass
class Command:
    line: int
    text: str       # without the "$ ", continued lines joined by newlines
    expected: list  # the lines that stand under it


def blocks_of(text):
    blocks, open_block = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("```"):
            if open_block is not None:
                open_block.lines.append(line)
        elif open_block is None:
            open_block = Block(line[3:].strip(), number + 1, [])
        else:
            blocks.append(open_block)
            open_block = None
    if open_block is not None:
        raise ValueError(f"line {open_block.line}: the block is not closed")
    return blocks


def commands_of(block):
    """Splits a console block: "$ " begins a command, "> " continues it, the rest is output."""
    commands = []
    for number, line in enumerate(block.lines, block.line):
        if line.startswith("$ "):
            commands.append(Command(number, line[2:], []))
        elif not commands:
            raise ValueError(f'line {number}: a console block begins with "$ "')
        elif line.startswith("> ") and not commands[-1].expected:
            commands[-1].text += "\n" + line[2:]
        else:
            commands[-1].expected.append(line)
    return commands


def same(expected, seen):
    """True if the lines are equal; "..." in a line stands for any text, alone for any lines."""
    if not expected:
        return not seen
    if expected[0].strip() == "...":
        return any(same(expected[1:], seen[i:]) for i in range(len(seen) + 1))
    return bool(seen) and same_line(expected[0].rstrip(), seen[0].rstrip()) and \
        same(expected[1:], seen[1:])


def same_line(expected, seen):
    # In a tuple or template "..." is itself, so a line that is equal as it stands is equal.
    if expected == seen:
        return True
    parts = expected.split("...")
    if len(parts) == 1 or not seen.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = seen.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return len(seen) - at >= len(parts[-1]) and seen.endswith(parts[-1])
