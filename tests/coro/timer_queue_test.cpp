// The order of timers, under all that can happen to them.
#include <eddy/coro/timer_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using eddy::coro::timer_queue;

eddy::time_point at(std::int64_t nanoseconds) {
  return eddy::time_point(eddy::duration(nanoseconds));
}

/// Notes in `log` that it has expired.
class noted_timer final : public eddy::coro::timer {
 public:
  noted_timer(int number, std::vector<int>& log) noexcept : number_(number), log_(&log) {}
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  void expired() noexcept override { log_->push_back(number_); }
  int number_;
  std::vector<int>* log_;
};

TEST(timer_queue, timers_of_one_deadline_expire_in_the_order_in_which_they_were_armed) {
  timer_queue queue;
  std::vector<int> log;
  std::list<noted_timer> timers;
  for (int i = 0; i < 100; ++i) queue.add(timers.emplace_back(i, log), at(i % 2));
  EXPECT_EQ(queue.expire(at(1)), 100U);
  std::vector<int> expected;
  for (int i = 0; i < 100; i += 2) expected.push_back(i);
  for (int i = 1; i < 100; i += 2) expected.push_back(i);
  EXPECT_EQ(log, expected);
  EXPECT_TRUE(queue.empty());
}

TEST(timer_queue, a_timer_that_expires_may_disarm_and_arm_others) {
  struct meddler final : eddy::coro::timer {
    meddler(timer_queue& in, eddy::coro::timer& disarmed, eddy::coro::timer& armed) noexcept
        : queue(&in), other(&disarmed), next(&armed) {}
    void expired() noexcept override {
      queue->remove(*other);
      queue->add(*next, at(5));
    }
    timer_queue* queue;
    eddy::coro::timer* other;
    eddy::coro::timer* next;
  };
  timer_queue queue;
  std::vector<int> log;
  noted_timer disarmed(1, log);
  noted_timer armed(2, log);
  meddler first(queue, disarmed, armed);
  queue.add(first, at(1));
  queue.add(disarmed, at(2));
  EXPECT_EQ(queue.expire(at(9)), 2U);
  EXPECT_EQ(log, std::vector<int>{2});
  EXPECT_FALSE(disarmed.armed());
  EXPECT_EQ(queue.next_deadline(), eddy::never);
}

/// What the queue has to do, done in the plainest way.
class model {
 public:
  void add(int number, std::int64_t deadline) {
    places_[number] = expected_.emplace(deadline, number);
  }
  void remove(int number) {
    expected_.erase(places_.at(number));
    places_.erase(number);
  }
  std::vector<int> expire(std::int64_t now) {
    std::vector<int> due;
    while (!expected_.empty() && expected_.begin()->first <= now) {
      due.push_back(expected_.begin()->second);
      places_.erase(due.back());
      expected_.erase(expected_.begin());
    }
    return due;
  }
  [[nodiscard]] std::size_t size() const { return expected_.size(); }
  [[nodiscard]] eddy::time_point next() const {
    return expected_.empty() ? eddy::never : at(expected_.begin()->first);
  }

 private:
  std::multimap<std::int64_t, int> expected_;  // equal keys keep the order of insertion
  std::map<int, std::multimap<std::int64_t, int>::iterator> places_;
};

/// Random steps; `most` timers are armed at once, and the queue is emptied now and then.
void compare_with_model(std::uint32_t seed, int most, int steps) {
  std::mt19937 random(seed);
  const auto below = [&](int limit) {
    return static_cast<int>(random() % static_cast<unsigned>(limit));
  };
  timer_queue queue;
  model expected;
  std::vector<int> log;
  std::vector<std::unique_ptr<noted_timer>> timers;
  for (int i = 0; i < most; ++i) timers.push_back(std::make_unique<noted_timer>(i, log));
  std::int64_t now = 0;
  for (int step = 0; step < steps; ++step) {
    noted_timer& one = *timers[static_cast<std::size_t>(below(most))];
    if (one.armed() && below(2) == 0) {
      queue.remove(one);
      expected.remove(one.number());
    } else if (!one.armed()) {
      const std::int64_t deadline = now + below(1000);
      queue.add(one, at(deadline));
      expected.add(one.number(), deadline);
    }
    if (below(most) == 0) {
      now += below(step % 7 == 0 ? 2000 : 300);
      log.clear();
      queue.expire(at(now));
      ASSERT_EQ(log, expected.expire(now));
    }
    ASSERT_EQ(queue.size(), expected.size());
    ASSERT_EQ(queue.next_deadline(), expected.next());
  }
  for (auto& one : timers) queue.remove(*one);
  EXPECT_TRUE(queue.empty());
}

TEST(timer_queue, does_what_a_sorted_map_does) {
  compare_with_model(1, 5, 5'000);
  compare_with_model(2, 200, 20'000);
  compare_with_model(3, 3'000, 30'000);
  compare_with_model(4, 20'000, 300'000);
}

TEST(timer_queue, many_timers_that_are_disarmed_leave_nothing_behind) {
  timer_queue queue;
  std::vector<int> log;
  std::list<noted_timer> timers;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10'000; ++i) queue.add(timers.emplace_back(i, log), at(i * 7919 % 10'000));
    for (noted_timer& one : timers) {
      if (one.number() != 4'999) queue.remove(one);
    }
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.expire(at(10'000)), 1U);
    EXPECT_EQ(log, std::vector<int>{4'999});
    log.clear();
    timers.clear();
  }
}

TEST(timer_queue, the_few_that_are_left_of_many_expire_in_order_with_later_ones) {
  constexpr int many = 20'000;
  timer_queue queue;
  model expected;
  std::vector<int> log;
  std::vector<std::unique_ptr<noted_timer>> timers;
  const auto arm = [&](int number, std::int64_t deadline) {
    queue.add(*timers[static_cast<std::size_t>(number)], at(deadline));
    expected.add(number, deadline);
  };
  for (int i = 0; i < many; ++i) {
    timers.push_back(std::make_unique<noted_timer>(i, log));
    arm(i, i * 7919 % many);
  }
  for (int i = 0; i < many; ++i) {
    if (i % 50 == 0) continue;
    queue.remove(*timers[static_cast<std::size_t>(i)]);
    expected.remove(i);
  }
  for (int i = 1; i < many; i += 3) {
    if (i % 50 != 0) arm(i, i * 4'001 % many);
  }
  EXPECT_EQ(queue.size(), expected.size());
  queue.expire(at(many));
  EXPECT_EQ(log, expected.expire(many));
  EXPECT_TRUE(queue.empty());
}

}  // namespace
