"""tools/check finds what it is there to find: each test plants one breach in a small tree that is otherwise clean."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

CLEAN_TREE = {
    "include/eddy/base/number.hpp": "#pragma once\n\nnamespace eddy {\nint one();\n}  // namespace eddy\n",
    "include/eddy/coro/pair.hpp": (
        "#pragma once\n\n#include <eddy/base/number.hpp>\n\n"
        "namespace eddy {\ninline int two() { return one() + one(); }\n}  // namespace eddy\n"
    ),
    "src/base/number.cpp": (
        "#include <eddy/base/number.hpp>\n\n#include \"digit.hpp\"\n\n"
        "namespace eddy {\nint one() { return detail::digit; }\n}  // namespace eddy\n"
    ),
    "src/base/digit.hpp": (
        "#pragma once\n\nnamespace eddy::detail {\ninline constexpr int digit = 1'0 / 10;\n}  // namespace eddy::detail\n"
    ),
    "tests/base/number_test.cpp": "#include <eddy/base/number.hpp>\n\nint main() { return eddy::one() - 1; }\n",
}


class CheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in ("layers.toml", "CMakeLists.txt", ".clang-format"):
            shutil.copy(REPOSITORY / name, self.root / name)
        (self.root / "tools").mkdir()
        shutil.copy(REPOSITORY / "tools/banned.toml", self.root / "tools/banned.toml")
        self.write("tools/everywhere.toml", 'modules = ["coro"]\n[exempt]\n')
        # Exceptions name files of the real tree, which this one does not have.
        rules = self.root / "tools/banned.toml"
        rules.write_text(rules.read_text().split("[[allow]]")[0])
        for path, text in CLEAN_TREE.items():
            self.write(path, text)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def append(self, path, text):
        self.write(path, (self.root / path).read_text() + text)

    def check(self, *rules):
        command = [sys.executable, str(REPOSITORY / "tools/check"), "--root", str(self.root), *rules]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def assert_finds(self, rule, expected):
        code, output = self.check(rule)
        self.assertIn(expected, output)
        self.assertEqual(code, 1, output)

    def assert_clean(self, rule):
        code, output = self.check(rule)
        self.assertEqual(code, 0, output)

    def test_a_clean_tree_passes_every_rule(self):
        code, output = self.check()
        self.assertEqual(code, 0, output)
        self.assertIn("check headers: ok", output)

    def test_an_operation_that_no_test_exposes_is_found(self):
        self.write("include/eddy/coro/nap.hpp", "namespace eddy {\ntask<void> nap(\n    int turns = {});\n}\n")
        self.assert_finds("everywhere", "include/eddy/coro/nap.hpp:2: no test exposes coro/nap.nap")
        self.write("tests/coro/nap_test.cpp", "// Exposes: coro/nap.nap\nTEST(everywhere, naps) { nap(); }\n")
        self.assert_clean("everywhere")
        self.write("tests/coro/nap_test.cpp", "// Exposes: coro/nap.nap\nTEST(everywhere, naps) {}\n")
        self.assert_finds("everywhere", "coro/nap.nap is named, but never called here")
        self.write("tests/coro/nap_test.cpp",
                   "#include \"naps.hpp\"\n// Exposes: coro/nap.nap\nTEST(everywhere, naps) { naps(); }\n")
        self.assert_finds("everywhere", "coro/nap.nap is named, but never called here")
        self.write("tests/coro/naps.hpp", "inline void naps() { nap(); }\n")
        self.assert_clean("everywhere")
        self.write("tests/coro/nap_test.cpp", "// Exposes: coro/nap.nip\nTEST(everywhere, naps) { nip(); }\n")
        self.assert_finds("everywhere", "coro/nap.nip is no operation of a public header")

    def test_an_awaitable_object_is_an_operation(self):
        self.write("include/eddy/coro/nap.hpp",
                   "struct bed {\n  [[nodiscard]] nap_operation nap() noexcept;\n  auto rest(int) -> task<void>;\n};\n")
        self.assert_finds("everywhere", "no test exposes coro/nap.nap")
        self.assert_finds("everywhere", "no test exposes coro/nap.rest")
        self.write("tools/everywhere.toml", 'modules = ["coro"]\n[exempt]\n"coro/nap" = "asleep"\n')
        self.assert_clean("everywhere")

    def test_an_upward_include_is_found(self):
        self.append("include/eddy/base/number.hpp", "#include <eddy/coro/pair.hpp>\n")
        self.assert_finds("layers", "include/eddy/base/number.hpp:6: base may not include <eddy/coro/pair.hpp>")

    def test_an_upward_include_in_a_source_is_found(self):
        self.append("src/base/number.cpp", "#include <eddy/net/socket.hpp>\n")
        self.assert_finds("layers", "base may not include <eddy/net/socket.hpp>")

    def test_a_commented_include_is_no_include(self):
        self.append("src/base/number.cpp", "/*\n#include <eddy/net/socket.hpp>\n*/\n")
        self.assert_clean("layers")

    def test_testing_is_not_included_by_the_library(self):
        self.append("src/base/number.cpp", "#include <eddy/testing/clock.hpp>\n")
        self.assert_finds("layers", "base may not include <eddy/testing/clock.hpp>")

    def test_a_program_sees_public_headers_only(self):
        self.write("examples/01_hello.cpp", '#include "../src/base/digit.hpp"\n\nint main() {}\n')
        self.assert_finds("layers", "examples/01_hello.cpp:1: \"../src/base/digit.hpp\"")

    def test_private_headers_of_another_module_are_not_found(self):
        self.write("src/coro/pair.cpp", '#include "../base/digit.hpp"\n')
        self.assert_finds("layers", "src/coro/pair.cpp:1: \"../base/digit.hpp\"")

    def test_an_edge_that_points_down_the_table_is_found(self):
        table = self.root / "layers.toml"
        table.write_text(table.read_text().replace("base = []", 'base = ["net"]'))
        self.assert_finds("layers", "base may not depend on net")

    def test_getaddrinfo_is_found(self):
        self.write("src/net/dns.cpp", "int f() {\n  return getaddrinfo(nullptr, nullptr, nullptr, nullptr);\n}\n")
        self.assert_finds("banned", "src/net/dns.cpp:2: banned call getaddrinfo (resolver)")

    def test_every_way_around_the_seams_is_found(self):
        calls = [
            "std::random_device{}()",
            "std::chrono::steady_clock::now()",
            "clock_gettime(CLOCK_MONOTONIC, &t)",
            "::socket(AF_INET, 1, 0)",
            "socket(AF_INET, 1, 0)",
            "::recv(1, p, 1, 0)",
            "accept4(1, p, q, 0)",
            "epoll_ctl(1, 2, 3, p)",
            "io_uring_submit(&ring)",
            "std::thread([] {})",
            "std::jthread worker",
            "std::this_thread::sleep_for(1ms)",
            "usleep(5)",
        ]
        for call in calls:
            with self.subTest(call):
                self.write("src/base/number.cpp", f"auto x = {call};\n")
                self.assert_finds("banned", "src/base/number.cpp:1: banned call")

    def test_words_of_the_library_are_not_mistaken_for_calls(self):
        harmless = [
            "co_await socket.connect(peer)",
            "co_await eddy::sleep(5ms)",
            "std::thread::id owner",
            "loop.now()",
            "stream.send(bytes)",
            'log("getaddrinfo() failed")',
            "1'000 /* std::jthread */",
        ]
        for words in harmless:
            with self.subTest(words):
                self.write("src/base/number.cpp", f"auto x = {words};\n")
                self.assert_clean("banned")

    def test_drivers_and_tests_may_call_the_system(self):
        self.write("src/runtime/epoll.cpp", "auto x = epoll_create1(0);\n")
        self.write("tests/net/tcp_test.cpp", "std::thread peer;\n")
        self.assert_clean("banned")

    def test_an_exception_that_is_not_needed_is_found(self):
        entry = '\n[[allow]]\npath = "src/base/number.cpp"\nrule = "clock"\nreason = "none"\n'
        self.append("tools/banned.toml", entry)
        self.assert_finds("banned", "the exception of src/base/number.cpp for 'clock' is not needed")

    def test_a_header_that_does_not_compile_alone_is_found(self):
        self.write("include/eddy/base/text.hpp", "#pragma once\n\ninline std::string text();\n")
        self.assert_finds("headers", "include/eddy/base/text.hpp:3: does not compile alone")

    def test_a_remembered_header_is_compiled_again_when_what_it_includes_changes(self):
        self.assert_clean("headers")
        self.write("include/eddy/base/number.hpp", "#pragma once\n")
        self.assert_finds("headers", "include/eddy/coro/pair.hpp:6: does not compile alone")

    def test_an_over_long_header_is_found(self):
        self.append("include/eddy/base/number.hpp", "// line\n" * 296)
        self.assert_finds("budgets", "include/eddy/base/number.hpp:301: 301 lines, a public header may have 300")

    def test_an_over_long_source_is_found(self):
        self.append("src/base/number.cpp", "// line\n" * 500)
        self.assert_finds("budgets", "lines, a source may have 500")

    def test_an_over_long_test_is_found(self):
        self.append("tests/base/number_test.cpp", "// line\n" * 1000)
        self.assert_finds("budgets", "lines, a file may have 1000")

    def test_an_over_long_function_is_found(self):
        body = "  step();\n" * 69
        signatures = {
            "plain": "int f(int n = 3)",
            "member": "template <class T = int>\nauto box<T>::f() const noexcept -> int",
            "constructor": "box::box(int n) : a_{n}, b_{n}",
            "test": "TEST(box, does_something)",
            "in a class": "class box {\n public:\n  box(int n) : a_{n}",
        }
        for name, signature in signatures.items():
            with self.subTest(name):
                end = "};\n" if name == "in a class" else ""
                self.write("src/base/number.cpp", f"namespace eddy {{\n{signature} {{\n{body}}}\n{end}}}\n")
                self.assert_finds("budgets", "lines, a function may have 70")

    def test_tables_classes_and_namespaces_are_not_functions(self):
        rows = "  1,\n" * 100
        members = "  int member = f(1);\n  int f() { return 1; }\n" * 50
        text = f"namespace eddy {{\nint table[] = {{\n{rows}}};\nauto other = make({{\n{rows}}});\n"
        text += f"template <class T = int>\nclass box : public base<T> {{\n{members}}};\n}}\n"
        self.write("src/base/number.cpp", text)
        self.assert_clean("budgets")

    def test_an_over_long_line_is_found(self):
        self.append("src/base/number.cpp", "//" + "x" * 119 + "\n")
        self.assert_finds("budgets", "121 columns")

    def test_an_unformatted_file_is_found(self):
        self.append("src/base/number.cpp", "int   x;\n")
        self.assert_finds("format", "src/base/number.cpp:8: not formatted")

    def test_a_file_that_nothing_builds_is_found(self):
        self.write("tests/base2/number_test.cpp", "int main() {}\n")
        self.write("src/base/unused.hpp", "#pragma once\n")
        self.assert_finds("dead", "tests/base2/number_test.cpp:1: nothing builds this file")
        self.assert_finds("dead", "src/base/unused.hpp:1: nobody includes this header")

    def write_guide(self, page, program="// [hello]\n  int x;\n// [/hello]\n"):
        self.write("docs/guide/snippets/01_hello.cpp", program)
        self.write("docs/guide/01-hello.md", page)

    def test_a_snippet_that_differs_from_its_program_is_found_and_written(self):
        self.write_guide("# Hello\n\n<!-- snippet: 01_hello.cpp hello -->\n```cpp\nint y;\n```\n")
        self.assert_finds("snippets", "docs/guide/01-hello.md:4: differs from 01_hello.cpp hello")
        command = [sys.executable, str(REPOSITORY / "tools/snippets"), "--root", str(self.root), "--write"]
        subprocess.run(command, check=True, capture_output=True)
        self.assertIn("```cpp\nint x;\n```\n", (self.root / "docs/guide/01-hello.md").read_text())
        self.assert_clean("snippets")

    def test_snippets_without_a_program_are_found(self):
        shown = "<!-- snippet: 01_hello.cpp hello -->\n```cpp\nint x;\n```\n"
        pages = {
            "```cpp\nint x;\n```\n": ":5: C++ that no program stands behind",
            "```c++\nint x;\n```\n": ":5: a block of 'c++'",
            "<!-- snippet: 01_hello.cpp bye -->\n```cpp\nint x;\n```\n": "01_hello.cpp has no region bye",
            "<!-- snippet: 02_bye.cpp bye -->\n```cpp\nint x;\n```\n": "there is no docs/guide/snippets/02_bye.cpp",
            "<!-- snippet: 01_hello.cpp hello -->\n": ":5: nothing to show follows this marker",
            "<!-- snippet-table: 01_hello.cpp -->\n| a | b |\n|---|---|\n| `int y` | `int y` |\n": "`int y` does not",
        }
        for page, expected in pages.items():
            with self.subTest(page):
                self.write_guide(shown + page)
                self.assert_finds("snippets", expected)
        self.write_guide(shown + "```sh\nmake\n```\n<!-- snippet-table: 01_hello.cpp -->\n| `int y` | `int x` |\n")
        self.assert_clean("snippets")

    def test_regions_that_nobody_shows_or_ends_are_found(self):
        self.write_guide("# Hello\n")
        self.assert_finds("snippets", "docs/guide/snippets/01_hello.cpp:1: no page shows the region hello")
        self.write_guide("# Hello\n", "// [hello]\n// [hello]\nint x;\n// [/bye]\n")
        self.assert_finds("snippets", ":1: region hello does not end")
        self.assert_finds("snippets", ":2: a second region hello")
        self.assert_finds("snippets", ":4: region bye ends here but was not begun")

    def test_paths_of_a_machine_and_empty_names_are_found(self):
        self.append("src/base/number.cpp", "// see /" + "home/someone/notes\n")
        self.write("src/base/base_util.cpp", "int x;\n")
        self.assert_finds("words", "a path of one machine")
        self.assert_finds("words", "src/base/base_util.cpp:1: 'util' says nothing")


if __name__ == "__main__":
    unittest.main()
