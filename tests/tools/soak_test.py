"""tools/soak sees what a load leaves: each test plants one thing in the figures of a run that is otherwise in order."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/soak"

NAMES = (
    "requests messages cancelled timers spawned calls failures slow processor waited resident allocated descriptors tasks"
    " frames"
)
SECONDS = 300


def sample(second):
    counted = dict.fromkeys(NAMES.split()[:6], 100 * second)
    return {**counted, "failures": 0, "slow": 0, "processor": 0.5 * second, "waited": 0.01 * second,
            "resident": 60000 + 400 * (second % 3), "allocated": 30000,
            "descriptors": 40 + second % 7, "tasks": 4100, "frames": 22000}


class SoakTest(unittest.TestCase):
    def setUp(self):
        self.rows = {second: sample(second) for second in range(1, SECONDS)}
        self.start = {**sample(0), "resident": 7000, "descriptors": 7, "tasks": 1, "frames": 2}
        self.end = {**sample(SECONDS), "descriptors": 7, "tasks": 1, "frames": 2}

    def judged(self):
        rows = {"start": self.start, **self.rows, "end": self.end}
        lines = ["seconds " + NAMES]
        lines += [" ".join([str(when), *(str(row[name]) for name in NAMES.split())]) for when, row in rows.items()]
        return self.judged_lines(lines)

    def judged_lines(self, lines):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as kept:
            kept.write("\n".join(lines) + "\n")
            kept.flush()
            return subprocess.run([sys.executable, "-B", str(TOOL), "--judge", kept.name], capture_output=True, text=True)

    def assert_found(self, text):
        done = self.judged()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        found = [line for line in done.stdout.splitlines() if line.startswith("soak: ")]
        self.assertEqual(len(found), 2, done.stdout)
        self.assertIn(text, found[0])
        self.assertEqual(found[1], "soak: failed")

    def test_a_flat_run_passes(self):
        done = self.judged()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("soak: passed", done.stdout)

    def test_memory_that_grows_is_found(self):
        for second, row in self.rows.items():
            row["resident"] += 15 * second
        self.assert_found("memory grew")

    def test_memory_may_grow_while_the_load_warms_up(self):
        for second, row in self.rows.items():
            row["resident"] -= 500 * max(0, 60 - second)
        self.assertEqual(self.judged().returncode, 0)

    def test_descriptors_that_grow_are_found(self):
        for second, row in self.rows.items():
            row["descriptors"] += second // 25
        self.assert_found("descriptors grew")

    def test_more_descriptors_than_the_load_has_are_found(self):
        self.rows[150]["descriptors"] = 300
        self.assert_found("300 descriptors were open")

    def test_what_is_left_at_the_end_is_found(self):
        for name in ("descriptors", "tasks", "frames"):
            with self.subTest(name):
                self.end[name] += 1
                self.assert_found(f"1 {name} are left")
                self.end[name] -= 1

    def test_a_failure_is_found(self):
        self.end["failures"] = 3
        self.assert_found("3 failures")

    def test_a_slow_task_is_found(self):
        self.end["slow"] = 1
        self.assert_found("1 reports of slow tasks")

    def test_a_part_of_the_load_that_stopped_is_found(self):
        for second in range(250, SECONDS):
            self.rows[second]["messages"] = 25000
        self.assert_found("no messages")

    def test_a_run_that_broke_off_is_found(self):
        done = self.judged_lines(["seconds " + NAMES])
        self.assertEqual(done.returncode, 1)
        self.assertIn("did not come to its end", done.stdout)

    def test_a_run_that_is_too_short_is_not_judged(self):
        self.rows = {second: sample(second) for second in range(1, 60)}
        done = self.judged()
        self.assertEqual(done.returncode, 1)
        self.assertIn("too few", done.stdout)


if __name__ == "__main__":
    unittest.main()
