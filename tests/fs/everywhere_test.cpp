// Every operation on files, cancelled and made to fail at every point: a call has happened or has not, no descriptor
// and no temporary file is left. The files are real; the clock is not.
#include <eddy/testing/everywhere.hpp>

#include "everywhere_on_system.hpp"
#include "scratch_folder.hpp"
#include "undisturbed.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/fs/file.hpp>
#include <eddy/fs/paths.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::fs {
namespace {

using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::trial;
using ::testing::AnyOf;
using tests::descriptors_in_use;
using tests::expect_value_when_undisturbed;
using tests::scratch_folder;

// clk.6
// Exposes: fs/file.open fs/file.refresh fs/file.read_at fs/file.write_at fs/file.resize fs/file.sync
TEST(everywhere, each_call_of_a_file_has_happened_or_has_not) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    const std::size_t descriptors = descriptors_in_use();
    std::string read(16, '\0');
    const auto use = [&]() -> task<void> {
      const open_options fresh{.access = file_access::read_write,
                               .creation = file_creation::only_new};
      file made = co_await file::open(folder / "data", fresh);
      co_await made.write_at(0, io::bytes_of("0123456789"));
      co_await made.resize(8);
      co_await made.sync();
      const file_status now = co_await made.refresh();
      EXPECT_EQ(now.size, 8U);
      const auto into = std::as_writable_bytes(std::span(read));
      const std::size_t size = co_await made.read_at(2, into);
      read.resize(size);
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(descriptors_in_use(), descriptors);
    if (ended.has_value()) {
      EXPECT_EQ(read, "234567");
    }
    EXPECT_THAT(folder.read("data"), AnyOf("", "0123456789", "01234567"));
  });
}

std::vector<std::string> names_of(const std::vector<directory_entry>& entries) {
  std::vector<std::string> names;
  for (const directory_entry& each : entries) names.push_back(each.name);
  std::ranges::sort(names);
  return names;
}

// clk.6
// Exposes: fs/file.open fs/file.open_beneath fs/file.entries fs/file.entries_beneath
TEST(everywhere, reading_a_folder_leaves_no_descriptor) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    folder.write("a/b.txt", "text");
    folder.write("c.txt", "text");
    const std::size_t descriptors = descriptors_in_use();
    const auto use = [&]() -> task<void> {
      const directory root = co_await directory::open(folder.path());
      const auto all = co_await root.entries();
      EXPECT_EQ(names_of(all), (std::vector<std::string>{"a", "c.txt"}));
      const auto below = co_await root.entries_beneath("a");
      EXPECT_EQ(names_of(below), std::vector<std::string>{"b.txt"});
      const file found = co_await root.open_beneath("a/b.txt");
      EXPECT_EQ(found.status().size, 4U);
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(descriptors_in_use(), descriptors);
  });
}

// clk.6
// Exposes: fs/paths.status fs/paths.exists fs/paths.rename fs/paths.remove fs/paths.create_directory
// Exposes: fs/paths.read_file fs/paths.write_file
TEST(everywhere, names_change_once_or_not_at_all) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    const std::size_t descriptors = descriptors_in_use();
    int done = 0;
    const auto use = [&]() -> task<void> {
      co_await create_directory(folder / "sub");
      ++done;
      co_await write_file(folder / "sub/one", "text");
      ++done;
      const std::string text = co_await read_file(folder / "sub/one");
      EXPECT_EQ(text, "text");
      co_await rename(folder / "sub/one", folder / "sub/two");
      ++done;
      const file_status found = co_await status(folder / "sub/two");
      EXPECT_EQ(found.size, 4U);
      const bool old = co_await exists(folder / "sub/one");
      EXPECT_FALSE(old);
      co_await remove(folder / "sub/two");
      ++done;
      co_await remove(folder / "sub");
      ++done;
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(descriptors_in_use(), descriptors);
    // What was told to the task has happened, and nothing else.
    const bool sub = co_await exists(folder / "sub");
    const bool one = co_await exists(folder / "sub/one");
    const bool two = co_await exists(folder / "sub/two");
    EXPECT_EQ(sub, done >= 1 && done < 5);
    EXPECT_EQ(one, done == 2);
    EXPECT_EQ(two, done == 3);
  });
}

// clk.6
// Exposes: fs/paths.replace_file
TEST(everywhere, a_file_is_replaced_as_a_whole_or_stays) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    folder.write("settings", "old");
    const std::size_t descriptors = descriptors_in_use();
    const auto ended = co_await t.expose(replace_file(folder / "settings", "new"));
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(folder.read("settings"), ended.has_value() ? "new" : "old");
    EXPECT_EQ(folder.count(), 1U);
    EXPECT_EQ(descriptors_in_use(), descriptors);
  });
}

// clk.6
// Exposes: fs/paths.create fs/paths.keep
TEST(everywhere, a_temporary_file_is_kept_or_gone) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    const std::size_t descriptors = descriptors_in_use();
    const auto use = [&]() -> task<void> {
      temporary_file made = co_await temporary_file::create(folder.path());
      co_await made.file().write_at(0, io::bytes_of("text"));
      co_await made.keep(folder / "kept");
    };
    const auto ended = co_await t.expose(use());
    expect_value_when_undisturbed(t, ended);
    EXPECT_EQ(folder.count(), ended.has_value() ? 1U : 0U);
    EXPECT_EQ(folder.read("kept"), ended.has_value() ? "text" : "");
    EXPECT_EQ(descriptors_in_use(), descriptors);
  });
}

}  // namespace
}  // namespace eddy::fs
