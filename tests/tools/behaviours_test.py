"""tools/behaviours finds numbers without a test, failed tests and open entries that are no longer needed."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/behaviours"

TESTS = """
// Cases: pipe.3

// pipe.1, pipe.2
EDDY_TEST(pipe, moves_bytes) { co_return; }
TEST_F(pipe_fixture,
       ends) {  // pipe.4
}
"""

REPORT = """<testsuites><testsuite>
<testcase name="moves_bytes" classname="pipe" result="completed"/>
<testcase name="ends/0" classname="All/pipe_fixture" result="completed">{}</testcase>
</testsuite></testsuites>"""


class BehavioursTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("docs/internals/behaviours.md", "".join(f"- **pipe.{n}** something\n" for n in range(1, 5)))
        self.write("tests/pipe_test.cpp", TESTS)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def run_tool(self, *arguments):
        words = [sys.executable, "-B", str(TOOL), "--root", str(self.root), *arguments]
        done = subprocess.run(words, capture_output=True, text=True)
        return done.returncode, done.stdout

    def test_accepts_a_list_that_is_covered(self):
        self.assertEqual(self.run_tool(), (0, "4 behaviours, 4 with tests, 0 problems\n"))

    def test_names_what_has_no_test(self):
        self.write("docs/internals/behaviours.md", "- **pipe.1** a\n- **pipe.9** b\n")
        code, said = self.run_tool()
        self.assertEqual(code, 1)
        self.assertIn("pipe.9: no test", said)
        self.assertIn("pipe.2: named by a test, but not in the list", said)

    def test_takes_open_entries_only_as_long_as_they_are_needed(self):
        self.write("tools/behaviours_open.toml", '[open]\n"pipe.1" = "later"\n')
        code, said = self.run_tool()
        self.assertEqual(code, 1)
        self.assertIn("pipe.1: covered, but still", said)
        self.write("docs/internals/behaviours.md", (self.root / "docs/internals/behaviours.md").read_text() + "- **tls.1** a\n")
        self.write("tools/behaviours_open.toml", '[open]\n"tls.*" = "no TLS yet"\n')
        self.assertEqual(self.run_tool()[0], 0)
        self.write("tools/behaviours_open.toml", '[open]\n"tls.*" = ""\n')
        self.assertIn("without a reason", self.run_tool()[1])

    def test_reads_results(self):
        self.write("reports/pipe.xml", REPORT.format(""))
        results = ("--results", str(self.root / "reports"))
        self.assertEqual(self.run_tool(*results)[0], 0)
        self.write("reports/pipe.xml", REPORT.format('<failure message="no"/>'))
        code, said = self.run_tool(*results)
        self.assertEqual(code, 1)
        self.assertIn("pipe.4: failed: pipe_fixture.ends", said)
        self.write("reports/pipe.xml", "<testsuites/>")
        self.assertIn("pipe.1: not run: pipe.moves_bytes", self.run_tool(*results)[1])


if __name__ == "__main__":
    unittest.main()
