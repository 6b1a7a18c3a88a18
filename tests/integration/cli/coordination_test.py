"""The commands that coordinate: holds, transactions, atomic, watch, work, lock, barrier.

    coordination_test.py BIN [TEST...]      BIN has tuplespaced and tuplespace
"""

import json
import signal
import subprocess

import command_line


class Coordination(command_line.CommandLine):
    def start(self, *words, **how):
        return subprocess.Popen(self.command(*words), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **how)

    def end(self, process):
        """Waits for the end; returns the exit code, output and errors."""
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    # ---- at one instant ----

    def test_atomic_is_a_counter(self):
        self.put('("n", 41)')
        step = [f'in {self.space} ("n", ?n:int)', f'out {self.space} ("n", $n+1)']
        self.expect(0, '("n", 41)\n', "", "atomic", *step)
        self.expect(0, '("n", 42)\n', "", "in", self.space, "(...)")
        self.expect(1, "", "", "atomic", *step, "--wait", "0")

    def test_atomic_has_alternatives_and_counts(self):
        steps = [f"count {self.space} (?) < 1", f'out {self.space} ("first")', "or",
                 f"rd {self.space} (?)"]
        self.expect(0, "", "", "atomic", *steps)
        code, output, _ = self.run_it("atomic", *steps, "--json")
        did = json.loads(output)
        self.assertEqual((code, did["alternative"]), (0, 1))
        self.assertEqual(did["steps"][0]["tuple"], ["first"])

    def test_atomic_binds_arguments_and_names_what_is_wrong(self):
        self.expect(0, "", "", "atomic", f"out {self.space} ($file)", "--arg", "file", "a b")
        self.expect(0, '("a b")\n', "", "in", self.space, "(?)")
        code, _, errors = self.run_it("atomic", f"out {self.space} ($n+1)")
        self.assertEqual(code, 2)
        self.assertIn(f"step 'out {self.space} ($n+1)':", errors)
        code, _, errors = self.run_it("atomic", "take it")
        self.assertIn('no step "take"; expected in, rd, out, count or settle', errors)
        code, _, errors = self.run_it("atomic", f"count {self.space} (?) about 3")
        self.assertIn("a count ends in < N, = N or > N", errors)

    def test_collect_moves_and_copy_collect_copies(self):
        self.put("(1)", "(2)")
        other = self.space + ".other"
        self.expect(0, "2\n", "", "copy-collect", self.space, "(?)", other)
        self.expect(0, "2\n", "", "collect", self.space, "(?)", other)
        self.expect(1, "0\n", "", "collect", self.space, "(?)", other)
        self.expect(0, "4\n", "", "count", other)

    # ---- transactions and leases ----

    def test_a_transaction_goes_on_over_commands(self):
        self.put("(1)")
        begun = self.run_it("begin", self.space)[1].strip()
        self.expect(0, "(1)\n", "", "in", self.space, "(?)", "--under", begun)
        self.expect(0, "", "", "out", self.space, "(2)", "--under", begun)
        self.expect(1, "", "", "rdp", self.space, "(?)")
        code, output, _ = self.run_it("held", self.space)
        self.assertEqual(code, 0)
        self.assertRegex(output, rf"transaction {begun} .*\(1\)")
        self.expect(0, "3600000ms\n", "", "renew", "--transaction", begun, "--for", "2h")
        self.expect(0, "", "", "commit", begun)
        self.expect(0, "(2)\n", "", "in", self.space, "(?)")
        code, _, errors = self.run_it("abort", begun)
        self.assertEqual(code, 2)
        self.assertIn(f"transaction {begun} is not open", errors)

    def test_an_aborted_one_has_not_happened(self):
        self.put("(1)")
        begun = self.run_it("begin", self.space, "--lease", "1h")[1].strip()
        self.expect(0, "(1)\n", "", "in", self.space, "(?)", "--under", begun)
        self.expect(0, "", "", "abort", begun)
        self.expect(0, "(1)\n", "", "in", self.space, "(?)")

    def test_renew_needs_one_lease(self):
        code, _, errors = self.run_it("renew", "--for", "5s")
        self.assertEqual(code, 2)
        self.assertIn("renew needs one of --hold, --tuple and --transaction", errors)

    # ---- looking ----

    def test_watch_prints_what_happens(self):
        self.put("(1)")
        watch = self.start("watch", self.space, "(?int)", "--snapshot", "--max", "4")
        self.assertEqual(watch.stdout.readline(), "out (1)\n")
        self.assertEqual(watch.stdout.readline(), "snapshot-end\n")
        self.put("(2)", '("other")')
        self.run_it("in", self.space, "(2)")
        self.assertEqual(self.end(watch), (0, "out (2)\nin (2)\n", ""))

    def test_watch_in_json_of_some_kinds_ends_at_an_interrupt(self):
        watch = self.start("watch", self.space, "--json", "--kinds", "in")
        self.until(lambda: '"watchers": 0' not in self.run_it("stats", "--json")[1], "it watches")
        self.put("(1)")
        self.run_it("in", self.space, "(?)")
        event = json.loads(watch.stdout.readline())
        self.assertEqual((event["kind"], event["tuple"]), ("in", [1]))
        watch.send_signal(signal.SIGINT)
        self.assertEqual(self.end(watch), (130, "", ""))

    def test_blocked_says_who_waits_and_explain_why(self):
        self.put('("job", 2.5)')
        waiter = self.start("in", self.space, '("job", ?int)')
        self.until(lambda: self.waiters(self.space) == 1, "it waits")
        code, output, _ = self.run_it("blocked", self.space)
        self.assertEqual(code, 0)
        self.assertRegex(output, r'since +until +session +space +waits for\n'
                                 rf'.* {self.space} +in \("job", \?int\)\n')
        wait = json.loads(self.run_it("blocked", self.space, "--json")[1])
        self.assertEqual(wait["what"], 'in ("job", ?int)')
        code, output, _ = self.run_it("explain", self.space, '("job", ?int)')
        self.assertEqual(code, 1)
        self.assertIn("near miss   ", output)
        self.assertIn("float 2.5", output)
        waiter.send_signal(signal.SIGINT)
        self.assertEqual(self.end(waiter)[0], 130)
        self.expect(1, "", "", "blocked", self.space)

    def test_sessions_are_listed_and_ended(self):
        self.put('("other", 1)')
        waiter = self.start("in", self.space, "(?)")
        self.until(lambda: self.waiters(self.space) == 1, "it waits")
        mine = json.loads(self.run_it("blocked", self.space, "--json")[1])["session"]
        sessions = [json.loads(line) for line in
                    self.run_it("session", "--json")[1].splitlines()]
        self.assertIn((mine, 1), [(s["session"], s["waits"]) for s in sessions])
        self.expect(0, "", "", "session", "--end", str(mine))
        code, _, errors = self.end(waiter)
        self.assertEqual(code, 2)
        self.assertIn("session", errors)

    # ---- work ----

    def test_work_runs_a_program_for_each_and_puts_its_results(self):
        self.put('("job", 1)', '("job", 2)', '("other")')
        results = self.space + ".results"
        self.expect(0, "", "", "work", self.space, '("job", ?)', "--wait", "0", "--results",
                    results, "--", "sed", "s/job/done/")
        self.expect(0, '("[\\"done\\",1]")\n("[\\"done\\",2]")\n', "", "scan", results)
        self.expect(0, "1 ready, 0 held, 0 delayed\n", "", "count", self.space, "--all")

    def test_results_may_be_tuples_in_json(self):
        self.put('("job", 1)')
        results = self.space + ".results"
        self.expect(0, "", "", "work", self.space, '("job", ?)', "--wait", "0", "--results",
                    results, "--json-lines", "--", "cat")
        self.expect(0, '("job", 1)\n', "", "scan", results)

    def test_work_gives_back_what_fails_with_its_attempt(self):
        self.put('("job", 1)')
        code, _, errors = self.run_it(
            "work", self.space, '("job", ?)', "--max", "2", "--", "sh", "-c",
            'test "$TUPLE_ATTEMPT" = 1 && test "$TUPLE_TOKEN" -gt 0')
        self.assertEqual(code, 0)
        self.assertIn('("job", 1): sh ended with 1; it goes back', errors)
        self.assertEqual(self.count(), 0)

    def test_work_that_is_killed_loses_nothing(self):
        self.put('("job", 1)')
        worker = self.start("work", self.space, '("job", ?)', "--", "sh", "-c",
                            "echo begun; exec sleep 60")
        self.assertEqual(worker.stdout.readline(), "begun\n")
        self.expect(0, "0 ready, 1 held, 0 delayed\n", "", "count", self.space, "--all")
        worker.send_signal(signal.SIGINT)
        self.assertEqual(self.end(worker)[0], 130)
        self.expect(0, "1\n", "", "count", self.space)

    def test_a_released_hold_ends_the_program(self):
        self.put('("job", 1)')
        worker = self.start("work", self.space, '("job", ?)', "--max", "1", "--hold", "300ms",
                            "--", "sh", "-c", "echo begun; exec sleep 60")
        self.assertEqual(worker.stdout.readline(), "begun\n")
        held = json.loads(self.run_it("held", self.space, "--json")[1])
        self.assertEqual(held["tuple"], ["job", 1])
        self.expect(0, "", "", "release", self.space, str(held["token"]))
        code, _, errors = self.end(worker)
        self.assertEqual(code, 1)
        self.assertIn("its hold was lost", errors)
        self.expect(0, "1\n", "", "count", self.space)

    def test_workers_side_by_side_and_a_program_that_is_not_there(self):
        self.put(*(f'("job", {i})' for i in range(8)))
        self.expect(0, "", "", "work", self.space, '("job", ?)', "-j", "4", "--wait", "0", "--",
                    "true")
        self.assertEqual(self.count(), 0)
        self.put('("job", 1)')
        code, _, errors = self.run_it("work", self.space, '("job", ?)', "--", "no-such-program")
        self.assertEqual(code, 2)
        self.assertIn("cannot run no-such-program", errors)
        self.assertEqual(self.count(), 1)

    # ---- lock and barrier ----

    def test_a_lock_is_had_by_one_at_a_time(self):
        first = self.start("lock", self.space, "disk", "--", "sh", "-c",
                           "echo $TUPLE_TOKEN; exec sleep 60")
        fence = int(first.stdout.readline())
        self.expect(1, "", "", "lock", self.space, "disk", "--wait", "10ms", "--", "true")
        second = self.start("lock", self.space, "disk", "--", "sh", "-c",
                            "echo $TUPLE_TOKEN; exit 7")
        self.until(lambda: self.waiters(self.space) == 1, "the second one waits")
        first.send_signal(signal.SIGTERM)
        self.end(first)
        code, output, _ = self.end(second)
        self.assertEqual(code, 7)
        self.assertGreater(int(output), fence)

    def test_a_lost_lock_ends_the_program(self):
        holder = self.start("lock", self.space, "disk", "--lease", "1s", "--", "sh", "-c",
                            "echo begun; exec sleep 60")
        self.assertEqual(holder.stdout.readline(), "begun\n")
        self.run_it("in", self.space, '("mutex", "disk", ...)')
        code, _, errors = self.end(holder)
        self.assertEqual(code, 2)
        self.assertIn('the lock "disk" is lost', errors)

    def test_a_barrier_lets_all_go_when_the_last_has_come(self):
        for _ in range(2):  # it is used again
            waiting = [self.start("barrier", self.space, "phase", "3") for _ in range(2)]
            self.until(lambda: self.waiters(self.space) == 2, "both wait")
            self.assertEqual([one.poll() for one in waiting], [None, None])
            self.expect(0, "", "", "barrier", self.space, "phase", "3")
            for one in waiting:
                self.assertEqual(self.end(one), (0, "", ""))

    def test_who_left_a_barrier_does_not_count(self):
        self.expect(1, "", "", "barrier", self.space, "phase", "2", "--wait", "10ms")
        self.expect(1, "", "", "barrier", self.space, "phase", "2", "--wait", "10ms")
        self.expect(0, "", "", "barrier", self.space, "phase", "1")


if __name__ == "__main__":
    command_line.main()
