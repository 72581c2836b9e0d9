#include <eddy/sync/shared_mutex.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/testing/gtest.hpp>

// Cases: smtx.1 smtx.2 smtx.3 smtx.4

namespace eddy {
namespace {

using eddy::testing::settle;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// Readers and writers that come one after the other; each holds the mutex until it is told to leave.
struct library {
  struct visitor {
    std::string name;
    event told_to_leave = {};
    task_handle<> task = {};
  };

  shared_mutex m;
  std::vector<std::string> inside;
  std::vector<std::unique_ptr<visitor>> visitors;

  task<void> stay(visitor& v) {
    inside.push_back(v.name);
    co_await v.told_to_leave.wait();
    std::erase(inside, v.name);
  }
  task<void> read(visitor& v) {
    const auto held = co_await m.lock_shared();
    co_await stay(v);
  }
  task<void> write(visitor& v) {
    const auto held = co_await m.lock();
    EXPECT_THAT(inside, ElementsAre()) << "a writer is alone";
    co_await stay(v);
    EXPECT_THAT(inside, ElementsAre());
  }
  visitor& add(const std::string& name) {
    visitors.push_back(std::make_unique<visitor>());
    visitors.back()->name = name;
    return *visitors.back();
  }
  task<void> reader(const char* name) {
    visitor& v = add(name);
    v.task = spawn([this, &v] { return read(v); });
    co_await settle();
  }
  task<void> writer(const char* name) {
    visitor& v = add(name);
    v.task = spawn([this, &v] { return write(v); });
    co_await settle();
  }
  visitor& find(const char* name) {
    return **std::ranges::find(visitors, name, [](const auto& v) { return v->name; });
  }
  task<void> leave(const char* name) {
    find(name).told_to_leave.set();
    co_await settle();
  }
  task<void> all_leave() {
    for (auto& v : visitors) v->told_to_leave.set();
    co_await settle();
  }
};

EDDY_TEST(shared_mutex, lets_readers_in_together_and_a_writer_alone) {  // smtx.1
  library l;
  co_await l.reader("r1");
  co_await l.reader("r2");
  EXPECT_THAT(l.inside, UnorderedElementsAre("r1", "r2"));
  EXPECT_EQ(l.m.statistics().readers, 2u);
  co_await l.writer("w1");
  co_await l.reader("r3");
  EXPECT_THAT(l.inside, UnorderedElementsAre("r1", "r2")) << "r3 waits behind the writer";
  EXPECT_FALSE(l.m.try_lock_shared().has_value());
  EXPECT_EQ(l.m.statistics().waiters, 2u);
  co_await l.leave("r1");
  EXPECT_THAT(l.inside, ElementsAre("r2"));
  co_await l.leave("r2");
  EXPECT_THAT(l.inside, ElementsAre("w1"));
  EXPECT_TRUE(l.m.statistics().locked);
  EXPECT_EQ(l.m.statistics().writer, l.find("w1").task);
  EXPECT_EQ(l.m.statistics().readers, 0u);
  EXPECT_FALSE(l.m.try_lock().has_value());
  EXPECT_FALSE(l.m.try_lock_shared().has_value());
  co_await l.all_leave();
  EXPECT_FALSE(l.m.statistics().locked);
}

EDDY_TEST(shared_mutex,
          lets_the_readers_before_the_next_writer_in_when_a_writer_leaves) {  // smtx.2
  library l;
  co_await l.writer("w1");
  for (const char* name : {"r1", "r2"}) co_await l.reader(name);
  co_await l.writer("w2");
  co_await l.reader("r3");
  co_await l.leave("w1");
  EXPECT_THAT(l.inside, UnorderedElementsAre("r1", "r2"));
  co_await l.leave("r1");
  co_await l.leave("r2");
  EXPECT_THAT(l.inside, ElementsAre("w2"));
  co_await l.leave("w2");
  EXPECT_THAT(l.inside, ElementsAre("r3"));
  co_await l.all_leave();
}

EDDY_TEST(shared_mutex, lets_the_readers_behind_a_cancelled_writer_in_at_once) {  // smtx.3
  library l;
  co_await l.reader("r1");
  co_await l.writer("w1");
  for (const char* name : {"r2", "r3"}) co_await l.reader(name);
  co_await l.writer("w2");
  l.find("w1").task.cancel();
  EXPECT_EQ(l.m.statistics().readers, 3u) << "granted inside the cancel call";
  EXPECT_EQ(l.m.statistics().waiters, 1u);
  co_await settle();
  EXPECT_THAT(l.inside, UnorderedElementsAre("r1", "r2", "r3"));
  co_await l.all_leave();
}

EDDY_TEST(shared_mutex, belongs_to_the_first_writer_when_the_last_reader_leaves) {  // smtx.4
  shared_mutex m;
  auto reading = co_await m.lock_shared();
  auto writer = spawn([&]() -> task<void> {
    const auto held = co_await m.lock();
    co_await settle();
  });
  co_await settle();
  reading.unlock();
  EXPECT_EQ(m.statistics().writer, writer) << "before it has run";
  EXPECT_FALSE(m.try_lock().has_value());
  EXPECT_FALSE(m.try_lock_shared().has_value());
  auto late_reader = spawn([&]() -> task<void> { const auto held = co_await m.lock_shared(); });
  auto late_writer = spawn([&]() -> task<void> { const auto held = co_await m.lock(); });
  co_await yield();
  EXPECT_EQ(m.statistics().writer, writer);
  co_await late_reader;
  co_await late_writer;
  EXPECT_TRUE(writer.done());
}

EDDY_TEST(shared_mutex, is_refused_in_a_cancelled_scope_and_stays_free) {
  shared_mutex m;
  const bool finished = co_await with_scope([&](cancel_scope& s) -> task<void> {
    s.cancel();
    const auto shared = co_await as_result(m.lock_shared());
    EXPECT_TRUE(shared.is_cancelled());
    const auto held = co_await m.lock();
  });
  EXPECT_FALSE(finished);
  EXPECT_TRUE(m.try_lock().has_value());
}

EDDY_TEST(shared_mutex, guards_can_be_moved_and_unlock_once) {
  shared_mutex m;
  {
    auto first = co_await m.lock_shared();
    auto second = m.try_lock_shared();
    EXPECT_EQ(m.statistics().readers, 2u);
    shared_mutex::guard moved(std::move(first));
    EXPECT_FALSE(first.owns_lock());
    moved = std::move(*second);
    EXPECT_EQ(m.statistics().readers, 1u) << "what it held before is unlocked";
    moved.unlock();
    moved.unlock();
    EXPECT_EQ(m.statistics().readers, 0u);
  }
  const auto turns = coro::scheduler::require().turns();
  {
    const auto held = co_await m.lock();
  }
  {
    const auto held = co_await m.lock_shared();
  }
  EXPECT_EQ(coro::scheduler::require().turns(), turns);
}

EDDY_TEST(shared_mutex, stays_with_the_granted_waiter_that_is_cancelled_afterwards) {
  shared_mutex m;
  auto held = co_await m.lock();
  bool had_it = false;
  auto reader = spawn([&]() -> task<void> {
    const auto reading = co_await m.lock_shared();
    had_it = true;
    co_await yield();
  });
  co_await settle();
  held.unlock();
  reader.cancel();
  EXPECT_EQ(m.statistics().readers, 1u);
  co_await settle();
  EXPECT_TRUE(had_it);
  EXPECT_EQ(reader.status(), coro::task_status::cancelled);
  EXPECT_EQ(m.statistics().readers, 0u);
}

EDDY_TEST(shared_mutex, names_a_holder_to_whoever_inspects_a_waiter) {
  library l;
  co_await l.reader("r1");
  co_await l.writer("w1");
  const coro::wait_info waits = l.find("w1").task.state().waiting_on()->describe();
  EXPECT_EQ(waits.kind, "shared_mutex.lock");
  EXPECT_EQ(waits.object, &l.m);
  EXPECT_EQ(waits.holder, &l.find("r1").task.state());
  co_await l.all_leave();
}

void upgrade() {
  eddy::testing::run_virtual([]() -> task<void> {
    shared_mutex m;
    const auto reading = co_await m.lock_shared();
    const auto writing = co_await m.lock();
  });
}

void read_while_writing() {
  eddy::testing::run_virtual([]() -> task<void> {
    shared_mutex m;
    const auto writing = co_await m.lock();
    const auto reading = co_await m.lock_shared();
  });
}

void unlock_elsewhere() {
  eddy::testing::run_virtual([]() -> task<void> {
    shared_mutex m;
    auto reading = co_await m.lock_shared();
    co_await spawn([&]() -> task<void> {
      reading.unlock();
      co_return;
    });
  });
}

void destroy_in_use() {
  eddy::testing::run_virtual([]() -> task<void> {
    auto m = std::make_unique<shared_mutex>();
    const auto reading = co_await m->lock_shared();
    m.reset();
  });
}

TEST(shared_mutex_mistakes, stop_the_program_naming_both_places) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(upgrade(),
               "main waits for a shared mutex that it holds already; first locked at "
               ".*shared_mutex_test.cpp:[0-9]+\n.*shared_mutex_test.cpp:[0-9]+");
  EXPECT_DEATH(read_while_writing(), "main waits for a shared mutex that it holds already");
  EXPECT_DEATH(unlock_elsewhere(), "unlocked by another task than main, which locked it at");
  EXPECT_DEATH(destroy_in_use(), "shared mutex was destroyed while .* held by main");
}

}  // namespace
}  // namespace eddy
