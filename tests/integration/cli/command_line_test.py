"""The command line as people use it: exit codes, messages word for word, pipes, terminals, signals.

    command_line_test.py BIN [TEST...]      BIN has tuplespaced and tuplespace
"""

import json
import os
import signal
import subprocess
import time

import command_line
from command_line import Terminal


class CommandLine(command_line.CommandLine):
    # ---- one tuple ----

    def test_out_then_in_gives_the_tuple_back_and_ends_with_0(self):
        self.put('("job", 7)')
        self.expect(0, '("job", 7)\n', "", "in", self.space, '("job", ?int)')
        self.assertEqual(self.count(), 0)

    def test_rd_leaves_the_tuple_there(self):
        self.put('("job", 7)')
        self.expect(0, '("job", 7)\n', "", "rd", self.space, '("job", ?int)')
        self.expect(0, '("job", 7)\n', "", "rdp", self.space, '("job", ?int)')
        self.expect(0, "1\n", "", "count", self.space)

    def test_probes_end_with_1_when_nothing_is_there(self):
        self.expect(1, "", "", "inp", self.space, "(?)")
        self.expect(1, "", "", "rdp", self.space, "(?)")
        self.expect(1, "", "", "in", self.space, "(?)", "--wait", "5ms")

    def test_count_prints_ready_tuples_and_with_all_held_and_delayed_ones(self):
        self.put("(1)", "(2)", '("a")')
        self.expect(0, "", "", "out", self.space, "(3)", "--delay", "1h")
        self.expect(0, "2\n", "", "count", self.space, "(?int)")
        self.expect(0, "3 ready, 0 held, 1 delayed\n", "", "count", self.space, "--all")
        self.expect(1, "0\n", "", "count", self.space, "(?float)")

    def test_count_and_scan_name_the_space_that_is_not_there(self):
        self.run_it("create", "jobs")
        for command in ("count", "scan", "drop"):
            code, output, errors = self.run_it(command, "job")
            self.assertEqual((code, output), (2, ""))
            self.assertRegex(errors, r'^tuplespace: no space "job"; spaces: .*jobs')

    def test_arguments_are_bound_and_never_parsed_as_text(self):
        file = 'a") | ("b'
        self.expect(0, "", "", "out", self.space, '("job", $id:int, $file)',
                    "--arg", "id", "7", "--arg", "file", file)
        self.expect(0, f"{json.dumps(['job', 7, file], separators=(',', ':'))}\n", "",
                    "in", self.space, '("job", $id:int, ?)', "--arg", "id", "7", "--json")

    def test_choice_says_which_one(self):
        self.put("(2)", "(9)", "(1)")
        for choice, text in (("newest", "(1)"), ("greatest:0", "(9)"), ("least:n", "(1)"),
                             ("oldest", "(2)")):
            self.expect(0, text + "\n", "", "rd", self.space, "(?n:int)", "--choice", choice)
        code, _, errors = self.run_it("rd", self.space, "(?)", "--choice", "least")
        self.assertEqual(code, 2)
        self.assertIn("expected oldest, newest, random, least:FIELD or greatest:FIELD", errors)

    def test_json_is_read_and_written(self):
        self.expect(0, "", "", "out", self.space, '["job", 7, 3.0]', "--json")
        self.expect(0, '["job",7,3.0]\n', "", "rd", self.space, '("job", ...)', "--json")
        self.expect(0, '["job",{"$int":"7"},{"$float":"3.0"}]\n', "",
                    "rd", self.space, '("job", ...)', "--json=tagged")
        self.expect(0, '("job", 7, 3.0)\n', "", "rd", self.space, '["job", {"$type": "int"}, 3.0]')

    # ---- messages ----

    def test_errors_in_the_text_point_at_the_character(self):
        cases = {
            "('job' 7)": "tuplespace: column 8: expected \",\" or \")\" before 7\n"
                         "('job' 7)\n       ^\n",
            "job": 'tuplespace: not a tuple; strings need quotes: ("job")\n',
            "(1, (2, 3))": "tuplespace: column 5: a tuple is not a value; write a list: [2, 3]\n"
                           "(1, (2, 3))\n    ^\n",
        }
        for text, errors in cases.items():
            self.expect(2, "", errors, "out", self.space, text)
        self.expect(2, "", "tuplespace: out needs values; field 1 is the template ?int\n",
                    "out", self.space, "(?int)")

    def test_usage_errors_end_with_2(self):
        for words in ([], ["nonsense"], ["in", self.space],
                      ["in", self.space, "(?)", "--wait", "5"],
                      ["out", self.space], ["out", self.space, "(1)", "--lines"],
                      ["rd", self.space, "(?)", "--json", "--lines"]):
            code, output, errors = self.run_it(*words)
            self.assertEqual((code, output), (2, ""), words)
            self.assertNotEqual(errors, "", words)

    def test_help_has_examples_and_version_a_number(self):
        code, output, _ = self.run_it("--help")
        self.assertEqual(code, 0)
        self.assertIn("tuplespace in jobs '(\"resize\", ?id:int, ?)' --wait 5s", output)
        code, output, _ = self.run_it("--version")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"^tuplespace \d+\.\d+\.\d+\n$")

    def test_no_server_is_said_at_once_with_what_to_do(self):
        done = subprocess.run([f"{command_line.BIN}/tuplespace", "spaces"], capture_output=True,
                              text=True,
                              env={**os.environ, "TUPLESPACE_SERVER": "127.0.0.1:1"})
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, r"^tuplespace: no server at 127\.0\.0\.1:1 \(.*Connection "
                                      r"refused.*\); start one there with tuplespaced\n$")

    def test_a_wait_is_explained_on_a_terminal_after_a_second(self):
        self.run_it("create", "jobs")
        terminal = Terminal(self.command("in", self.space + ".new", "(?)"))
        shown = terminal.read_until("ends.\n")
        self.assertTrue(shown.startswith(
            f'waiting for (?) in "{self.space}.new", which does not exist; spaces: '), shown)
        self.assertIn("jobs", shown)
        self.assertTrue(shown.endswith(". Ctrl-C ends.\n"), shown)
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end()[0], 130)

    def test_a_near_miss_is_explained_on_a_terminal(self):
        self.put(*[f'("t", 3.0, {i})' for i in range(17)])
        terminal = Terminal(self.command("inp", self.space, '("t", 3, ?)'))
        code, output, shown = terminal.end()
        self.assertEqual((code, output), (1, ""))
        self.assertEqual(
            shown, "nothing matched; 17 tuples have float 3.0 where you asked int 3\n")

    def test_progress_shows_on_a_terminal_when_it_takes_longer_than_a_second(self):
        read, write = os.pipe()
        terminal = Terminal(self.command("out", self.space, "--lines"), given=read)
        os.close(read)
        os.write(write, b"a\n")
        self.until(lambda: self.run_it("count", self.space)[1] == "1\n", "the first is in")
        time.sleep(1.1)
        os.write(write, b"b\n")
        terminal.read_until("a second")
        os.close(write)
        code, _, shown = terminal.end()
        self.assertEqual(code, 0)
        self.assertRegex(shown, r"2 tuples in \d+\.\d s, \d+ a second\n$")

    # ---- pipes ----

    def test_lines_go_in_and_come_out_the_same_also_without_a_last_newline(self):
        lines = "".join(f"line {i} é\n" for i in range(5000)) + "the last"
        self.expect(0, "", "", "out", self.space, "--lines", given=lines.encode())
        code, output, errors = self.run_it("in", self.space, "(?)", "--lines", "--max", "100000")
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(output, lines + "\n")
        self.assertEqual(self.count(), 0)

    def test_max_takes_no_more_than_there_are_and_than_asked(self):
        self.put("(1)", "(2)", "(3)")
        self.expect(0, "(1)\n(2)\n", "", "in", self.space, "(?)", "--max", "2")
        self.expect(0, "(3)\n", "", "in", self.space, "(?)", "--max", "2")

    def test_scan_prints_all_and_takes_none(self):
        self.put("(1)", "(2)", '("a")')
        self.expect(0, "(1)\n(2)\n", "", "scan", self.space, "(?int)")
        self.expect(0, "[1]\n[2]\n[\"a\"]\n", "", "scan", self.space, "--json-lines")
        self.expect(1, "", "", "scan", self.space, "(?float)")

    def test_json_lines_go_in(self):
        self.expect(0, "", "", "out", self.space, "--json-lines", given=b'["a", 1]\n["b", 2.0]\n')
        self.expect(0, '("a", 1)\n("b", 2.0)\n', "", "scan", self.space)
        code, _, errors = self.run_it("out", self.space, "--json-lines", given=b'["c"]\n["d"\n')
        self.assertEqual(code, 2)
        self.assertTrue(errors.startswith("tuplespace: line 2: "), errors)

    def test_a_line_that_is_not_utf8_stops_with_its_number(self):
        self.expect(2, "", "tuplespace: line 3: not UTF-8; --byte-lines stores bytes as they are; "
                           f'2 tuples are in "{self.space}"\n',
                    "out", self.space, "--lines", given=b"a\nb\n\xff\nd\n")
        self.assertEqual(self.count(), 2)

    def test_byte_lines_carry_any_bytes(self):
        lines = bytes(range(0, 10)) + b"\n" + bytes(range(11, 256)) + b"\n"
        self.expect(0, "", "", "out", self.space, "--byte-lines", given=lines)
        done = subprocess.run(self.command("in", self.space, "(?bytes)", "--byte-lines", "--max",
                                           "10"), capture_output=True)
        self.assertEqual(done.stdout, lines)

    def test_a_tuple_that_cannot_be_printed_as_asked_goes_back(self):
        self.put('("a")', '("b", 1)')
        code, output, errors = self.run_it("in", self.space, "(...)", "--lines", "--max", "10")
        self.assertEqual((code, output), (2, "a\n"))
        self.assertIn('("b", 1) cannot be printed with --lines', errors)
        self.expect(0, '("b", 1)\n', "", "inp", self.space, "(...)")

    def test_a_closed_pipe_loses_no_tuple_that_was_not_written(self):
        count = 20000
        self.run_it("out", self.space, "--lines",
                    given="".join(f"{i:06d}\n" for i in range(count)).encode())
        taker = subprocess.Popen(
            self.command("in", self.space, "(?)", "--lines", "--max", str(count)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        read = os.read(taker.stdout.fileno(), 70).decode()
        taker.stdout.close()
        self.assertEqual(taker.wait(), 2)
        taker.stderr.close()
        written = count - self.count()
        self.assertGreaterEqual(written, len(read) // 7)
        self.assertLess(written, count)
        left = self.run_it("scan", self.space, "(?)", "--lines")[1].splitlines()
        # What went is the beginning, and every tuple is in one place only.
        self.assertEqual(left, [f"{i:06d}" for i in range(written, count)])

    def test_a_waiting_in_ends_when_its_reader_has_gone(self):
        taker = subprocess.Popen(self.command("in", self.space, "(?)"), stdout=subprocess.PIPE)
        taker.stdout.close()
        self.assertEqual(taker.wait(), 2)
        self.put("(1)")
        self.assertEqual(self.count(), 1)

    # ---- signals ----

    def test_an_interrupted_wait_ends_with_130_and_takes_nothing(self):
        self.run_it("create", self.space)
        for number in (signal.SIGINT, signal.SIGTERM):
            taker = subprocess.Popen(self.command("in", self.space, "(?)"),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.until(lambda: self.waiters(self.space) == 1, "it waits")
            taker.send_signal(number)
            output, errors = taker.communicate()
            self.assertEqual((taker.returncode, output, errors), (130, b"", b""))
        self.put("(1)")
        self.assertEqual(self.count(), 1)

    def test_an_interrupted_out_says_how_many_are_in(self):
        writer = subprocess.Popen(self.command("out", self.space, "--lines"),
                                  stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        writer.stdin.write("a\nb\nhalf a line")
        writer.stdin.flush()
        self.until(lambda: self.run_it("count", self.space)[1] == "2\n", "two are in")
        writer.send_signal(signal.SIGINT)
        self.assertEqual(writer.wait(), 130)  # before its input ends
        errors = writer.communicate()[1]
        self.assertEqual(errors, f'tuplespace: interrupted; 2 tuples are in "{self.space}"\n')

    # ---- administration ----

    def test_spaces_are_created_listed_and_dropped(self):
        name = self.space
        self.expect(0, "", "", "create", name, "--durability", "memory", "--tuples-max", "2")
        code, output, _ = self.run_it("spaces", name)
        self.assertEqual(code, 0)
        self.assertRegex(output, rf"space +durability +ready .*\n{name} +memory +0 ")
        self.put("(1)", "(2)")
        code, _, errors = self.run_it("out", name, "(3)")
        self.assertEqual(code, 2)
        self.assertIn("tuples_max", errors)
        code, _, errors = self.run_it("create", name, "--durability", "sync")
        self.assertEqual(code, 2)
        self.expect(0, "", "", "drop", name)
        self.expect(1, "", "", "spaces", name)

    def test_stats_are_names_and_numbers(self):
        code, output, _ = self.run_it("stats")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"(?m)^incarnation \d+$")
        self.assertIn("uptime_ms", json.loads(self.run_it("stats", "--json")[1]))

    def test_bench_prints_figures_and_leaves_nothing_behind(self):
        code, output, errors = self.run_it("bench", "--for", "100ms", "--callers", "4")
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(output, r"1 caller +out p50 \d+ us, p99 \d+ us; in p50 \d+ us")
        self.assertRegex(output, r"4 callers +[\d,]+ pairs of out and in a second")
        self.expect(1, "", "", "spaces", "bench.")


if __name__ == "__main__":
    command_line.main()
