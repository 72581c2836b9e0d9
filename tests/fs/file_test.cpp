// Files as tasks use them. The files are real; the clock is not, and stands still while a thread is at work.
#include <eddy/fs/file.hpp>

#include "error_code.hpp"
#include "scratch_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/fs/paths.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::fs {
namespace {

using eddy::tests::scratch_folder;

constexpr open_options to_create{.access = file_access::read_write,
                                 .creation = file_creation::if_missing};

EDDY_TEST(file, what_is_written_is_read_again_at_the_same_place) {
  const scratch_folder folder;
  file made = co_await file::open(folder / "data", to_create);
  co_await made.write_at(0, io::bytes_of("hello, world"));
  co_await made.write_at(7, io::bytes_of("eddy!"));
  std::string text(64, '\0');
  const std::size_t size = co_await made.read_at(5, std::as_writable_bytes(std::span(text)));
  EXPECT_EQ(text.substr(0, size), ", eddy!");
  const file_status now = co_await made.refresh();
  EXPECT_EQ(now.size, 12U);
  EXPECT_EQ(now.kind, file_kind::regular);
  co_await made.resize(5);
  co_await made.sync();
  EXPECT_EQ(folder.read("data"), "hello");
}

EDDY_TEST(file, a_missing_file_is_an_error_that_names_it) {
  const scratch_folder folder;
  const std::string path = folder / "none";
  const auto opened = co_await as_result(file::open(path));
  EDDY_REQUIRE(opened.has_error());
  try {
    std::rethrow_exception(opened.error());
  } catch (const error& failure) {
    EXPECT_EQ(failure.code(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(failure.peer(), path);
  }
}

EDDY_TEST(file, a_new_file_is_not_one_that_was_there) {
  const scratch_folder folder;
  folder.write("old", "text");
  const open_options fresh{.access = file_access::write, .creation = file_creation::only_new};
  const auto opened = co_await as_result(file::open(folder / "old", fresh));
  EXPECT_EQ(eddy::tests::code_of(opened), std::errc::file_exists);
  EXPECT_EQ(folder.read("old"), "text");
}

EDDY_TEST(file, a_cancelled_task_opens_nothing) {
  const scratch_folder folder;
  cancel_scope scope;
  scope.cancel();
  const auto body = [&](cancel_scope&) -> task<void> {
    co_await write_file(folder / "never", "text");
  };
  const bool finished = co_await with_scope(scope, body);
  EXPECT_FALSE(finished);
  EXPECT_EQ(folder.count(), 0U);
}

EDDY_TEST(file, any_number_of_reads_run_at_once) {
  const scratch_folder folder;
  folder.write("data", "0123456789");
  file from = co_await file::open(folder / "data");
  std::string text(10, ' ');
  const auto body = [&](task_group& group) -> task<void> {
    for (std::size_t i = 0; i < text.size(); ++i) {
      group.spawn([&from, &text, i]() -> task<void> {
        co_await from.read_at(i, std::as_writable_bytes(std::span(text)).subspan(i, 1));
      });
    }
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(text, "0123456789");
}

EDDY_TEST(directory, gives_files_below_it) {
  const scratch_folder folder;
  folder.write("a/b/c.txt", "deep");
  const directory root = co_await directory::open(folder.path());
  file found = co_await root.open_beneath("a/./b/../b/c.txt");
  EXPECT_EQ(found.status().size, 4U);
  auto names = co_await root.entries_beneath("a");
  EDDY_REQUIRE(names.size() == 1U);
  EXPECT_EQ(names[0].name, "b");
  EXPECT_EQ(names[0].kind, file_kind::directory);
  const auto all = co_await root.entries();
  EXPECT_EQ(all.size(), 1U);
}

EDDY_TEST(directory, gives_nothing_outside_and_nothing_through_links) {
  const scratch_folder outside;
  outside.write("secret", "x");
  const scratch_folder folder;
  folder.write("inside", "x");
  std::filesystem::create_symlink(outside / "secret", folder / "link");
  std::filesystem::create_symlink(folder / "inside", folder / "harmless");
  std::filesystem::create_directory_symlink(outside.path(), folder / "linked");
  const directory root = co_await directory::open(folder.path());
  for (const char* path : {"../secret", "a/../../secret", "link", "harmless", "linked/secret"}) {
    const auto opened = co_await as_result(root.open_beneath(path));
    EXPECT_TRUE(opened.has_error()) << path;
  }
  const auto absolute = co_await as_result(root.open_beneath(outside / "secret"));
  EXPECT_EQ(eddy::tests::code_of(absolute), std::errc::cross_device_link);
  const std::string cut("inside\0.txt", 11);
  const auto with_zero = co_await as_result(root.open_beneath(cut));
  EXPECT_EQ(eddy::tests::code_of(with_zero), make_error_code(errc::invalid_input));
}

EDDY_TEST(directory, is_not_a_file) {
  const scratch_folder folder;
  folder.write("file", "x");
  const auto opened = co_await as_result(directory::open(folder / "file"));
  EXPECT_EQ(eddy::tests::code_of(opened), std::errc::not_a_directory);
}

EDDY_TEST(directory, a_listing_has_a_bound) {
  const scratch_folder folder;
  for (const char* name : {"a", "b", "c"}) folder.write(name, "");
  const directory root = co_await directory::open(folder.path());
  const auto three = co_await root.entries(3);
  EXPECT_EQ(three.size(), 3U);
  const auto two = co_await as_result(root.entries(2));
  EXPECT_EQ(eddy::tests::code_of(two), make_error_code(errc::limit_exceeded));
}

/// Has openat2 refused for this process, as container runtimes' filters do.
void forbid_openat2() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the call
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = 4, .filter = program};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

void print_why_not() {
  forbid_openat2();
  try {
    run(directory::open("/"));
    std::fprintf(stderr, "opened\n");
  } catch (const error& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    std::_Exit(failure == condition::unsupported ? 0 : 1);
  }
  std::_Exit(2);
}

TEST(directory_death, where_openat2_is_forbidden_the_error_says_so) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(print_why_not(), ::testing::ExitedWithCode(0), "openat2 .*forbidden");
}

// --- names and whole files ---

EDDY_TEST(paths, whole_files_are_written_and_read) {
  const scratch_folder folder;
  const std::string path = folder / "text";
  const bool before = co_await exists(path);
  EXPECT_FALSE(before);
  co_await write_file(path, "first");
  co_await write_file(path, "2nd");
  const std::string text = co_await read_file(path);
  EXPECT_EQ(text, "2nd");
  const bool there = co_await exists(path);
  EXPECT_TRUE(there);
  const file_status found = co_await status(path);
  EXPECT_EQ(found.size, 3U);
}

EDDY_TEST(paths, reading_has_a_bound) {
  const scratch_folder folder;
  folder.write("ten", "0123456789");
  const std::string all = co_await read_file(folder / "ten", 10);
  EXPECT_EQ(all.size(), 10U);
  const auto nine = co_await as_result(read_file(folder / "ten", 9));
  EXPECT_EQ(eddy::tests::code_of(nine), make_error_code(errc::limit_exceeded));
}

EDDY_TEST(paths, files_without_a_size_are_read_to_their_end) {
  const std::string text = co_await read_file("/proc/self/status");
  EXPECT_TRUE(text.starts_with("Name:"));
  const auto bounded = co_await as_result(read_file("/proc/self/status", 16));
  EXPECT_EQ(eddy::tests::code_of(bounded), make_error_code(errc::limit_exceeded));
}

EDDY_TEST(paths, a_replaced_file_is_whole_and_leaves_nothing_beside_it) {
  const scratch_folder folder;
  folder.write("settings", "old");
  co_await replace_file(folder / "settings", "new");
  EXPECT_EQ(folder.read("settings"), "new");
  EXPECT_EQ(folder.count(), 1U);
}

EDDY_TEST(paths, a_failed_replacement_leaves_the_old_file) {
  const scratch_folder folder;
  folder.write("target/inside", "x");
  const auto replaced = co_await as_result(replace_file(folder / "target", "text"));
  EXPECT_TRUE(replaced.has_error());
  EXPECT_EQ(folder.read("target/inside"), "x");
  EXPECT_EQ(folder.count(), 1U);
}

EDDY_TEST(paths, names_are_moved_and_removed) {
  const scratch_folder folder;
  co_await create_directory(folder / "sub");
  folder.write("a", "1");
  folder.write("sub/b", "2");
  co_await rename(folder / "a", folder / "sub/b");
  EXPECT_EQ(folder.read("sub/b"), "1");
  const auto not_empty = co_await as_result(remove(folder / "sub"));
  EXPECT_EQ(eddy::tests::code_of(not_empty), std::errc::directory_not_empty);
  co_await remove(folder / "sub/b");
  co_await remove(folder / "sub");
  EXPECT_EQ(folder.count(), 0U);
}

EDDY_TEST(temporary_file, is_private_and_gone_at_its_end) {
  const scratch_folder folder;
  {
    temporary_file made = co_await temporary_file::create(folder.path());
    co_await made.file().write_at(0, io::bytes_of("x"));
    EXPECT_EQ(folder.count(), 1U);
    const file_status found = co_await status(made.path());
    EXPECT_EQ(found.permissions, 0600U);
  }
  EXPECT_EQ(folder.count(), 0U);
}

EDDY_TEST(temporary_file, can_be_kept) {
  const scratch_folder folder;
  {
    temporary_file made = co_await temporary_file::create(folder.path());
    co_await made.file().write_at(0, io::bytes_of("kept"));
    co_await made.keep(folder / "result");
    EXPECT_TRUE(made.path().empty());
  }
  EXPECT_EQ(folder.read("result"), "kept");
  EXPECT_EQ(folder.count(), 1U);
}

EDDY_TEST(temporary_file, the_one_that_is_replaced_is_removed) {
  const scratch_folder folder;
  temporary_file first = co_await temporary_file::create(folder.path());
  temporary_file second = co_await temporary_file::create(folder.path());
  const std::string kept = second.path();
  first = std::move(second);
  EXPECT_EQ(folder.count(), 1U);
  EXPECT_EQ(first.path(), kept);
}

}  // namespace
}  // namespace eddy::fs
