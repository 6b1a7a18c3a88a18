#!/usr/bin/env python3
"""The snippet runner can fail: it tells what a document says from what was printed."""

import os
import tempfile
import unittest

import document
import run
import shell


class Document(unittest.TestCase):
    def test_splits_commands_from_their_output(self):
        block = document.blocks_of("text\n```console\n$ echo a \\\n> b\na b\n$ true\n```\n")[0]
        commands = document.commands_of(block)
        self.assertEqual([c.text for c in commands], ["echo a \\\nb", "true"])
        self.assertEqual([c.expected for c in commands], [["a b"], []])
        self.assertEqual([c.line for c in commands], [3, 6])

    def test_refuses_a_block_that_is_not_closed(self):
        with self.assertRaises(ValueError):
            document.blocks_of("```console\n$ true\n")

    def test_dots_stand_for_any_text_or_lines(self):
        self.assertTrue(document.same(["took ... s"], ["took 3 s"]))
        self.assertTrue(document.same(["a", "...", "z"], ["a", "b", "c", "z"]))
        self.assertTrue(document.same(['("a", ...)'], ['("a", ...)']))

    def test_other_output_is_not_the_same(self):
        self.assertFalse(document.same(["a"], ["b"]))
        self.assertFalse(document.same(["a"], []))
        self.assertFalse(document.same([], ["a"]))
        self.assertFalse(document.same(["took ... s"], ["took 3 m"]))
        self.assertFalse(document.same(["a", "...", "z"], ["a", "b"]))


class Console(unittest.TestCase):
    def complaints(self, text):
        with tempfile.TemporaryDirectory() as folder:
            bash = shell.Shell(folder, dict(os.environ))
            try:
                block = document.blocks_of(f"```console\n{text}\n```\n")[0]
                return [complaint for _, complaint, _ in run.run_console(block, bash)]
            finally:
                bash.end()

    def test_says_nothing_about_a_block_that_holds(self):
        self.assertEqual(self.complaints("$ x=7\n$ echo $x\n7\n$ false; echo $?\n1"), [])

    def test_says_which_command_printed_something_else(self):
        self.assertEqual(self.complaints("$ echo 7\n8"), ["printed something else: echo 7"])

    def test_says_which_command_failed(self):
        self.assertEqual(self.complaints("$ false"), ["ended with 1: false"])

    def test_says_when_bash_is_gone(self):
        self.assertEqual(len(self.complaints("$ exit 0")), 1)


if __name__ == "__main__":
    unittest.main()
