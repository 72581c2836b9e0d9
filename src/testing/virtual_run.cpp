#include <eddy/testing/virtual_run.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <eddy/base/check.hpp>
#include <eddy/coro/frame_pool.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/requirement.hpp>

namespace eddy::testing {

namespace {

constinit thread_local virtual_run* running = nullptr;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::uint64_t seed_of(const virtual_options& options) {
  if (options.seed != 0) return options.seed;
  const std::string_view text = environment("EDDY_SEED");
  if (text.empty()) return 1;
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc() || end != text.data() + text.size() || seed == 0) {
    throw_invalid_input("EDDY_SEED is not a positive number");
  }
  return seed;
}

bool shuffles(const virtual_options& options) {
  return options.shuffle.value_or(environment("EDDY_SHUFFLE") == "1");
}

}  // namespace

virtual_run::virtual_run(const virtual_options& options)
    : options_(options),
      network_(std::make_shared<runtime::virtual_network>(options.network)),
      previous_(std::exchange(running, this)) {
  options_.seed = seed_of(options);
  options_.shuffle = shuffles(options);
}

virtual_run::~virtual_run() { running = previous_; }

virtual_run* virtual_run::current() noexcept { return running; }

std::string virtual_run::how_to_repeat() const {
  return "EDDY_SEED=" + std::to_string(options_.seed) +
         (*options_.shuffle ? " EDDY_SHUFFLE=1" : "");
}

void virtual_run::run(runtime::main_task& main, std::int64_t frames_before) {
  {
    auto driver = std::make_unique<runtime::virtual_driver>(network_);
    driver->on_deadlock([this] { deadlock_ = true; });
    runtime::loop_options options;
    options.io = std::move(driver);
    options.seed = options_.seed;
    options.shuffle_ready = *options_.shuffle;
    options.on_error = [this](const failure_report& what) { report(what); };
    options.threads = options_.threads;
    runtime::loop loop(std::move(options));
    drive(loop, main);
  }
  if (const auto left = network_->open_sockets(); left != 0) {
    add_problem(std::to_string(left) + " sockets are still open");
  }
  if (const auto left = coro::live_frames() - frames_before; left > 0) {
    add_problem(std::to_string(left) + " coroutine frames or task records were leaked");
  }
  if (!problems_.empty() || failure_) {
    std::fprintf(stderr, "eddy: to repeat this run: %s\n", how_to_repeat().c_str());
  }
}

void virtual_run::drive(runtime::loop& loop, runtime::main_task& main) {
  coro::task_state* state = nullptr;
  {
    const coro::scheduler::entered here(loop);
    state = &main.launch();
  }
  if (!turn_until(loop, [&] { return state->done(); })) end_hang(loop);
  // As run() does: what main has left in the root group is cancelled and awaited.
  {
    const coro::scheduler::entered here(loop);
    loop.root().scope().cancel(cancel_reason::shutdown, "main has ended", state->spawned_at());
  }
  if (!turn_until(loop, [&] { return loop.live_tasks() == 0; })) end_hang(loop);
  loop.drain_posts();
  finish(loop, main);
}

bool virtual_run::turn_until(runtime::loop& loop, const std::function<bool()>& done) {
  const std::uint64_t last_turn = loop.turns() + options_.turn_limit;
  const time_point time_limit = after(loop.now(), options_.time_limit);
  bool reached = false;
  loop.run_until([&] {
    reached = done();
    if (reached) return true;
    if (deadlock_) hang_ = "deadlock: nothing is ready, no timer is armed and nothing is under way";
    if (loop.now() > time_limit) hang_ = "it took more virtual time than the run's limit";
    if (loop.turns() > last_turn) hang_ = "it took more turns than the run's limit";
    return !hang_.empty();
  });
  return reached;
}

void virtual_run::end_hang(runtime::loop& loop) {
  {
    const coro::scheduler::entered here(loop);
    add_problem(std::exchange(hang_, {}) + "\n" + task_tree());
    hung_ = true;
    deadlock_ = false;
    loop.root().scope().cancel(cancel_reason::shutdown, "the run hung",
                               std::source_location::current(), true);
  }
  if (turn_until(loop, [&] { return loop.live_tasks() == 0; })) return;
  for (const auto& problem : problems_) std::fprintf(stderr, "eddy: %s\n", problem.c_str());
  stop_program("tasks of a run that hung do not end when they are cancelled");
}

void virtual_run::finish(runtime::loop& loop, runtime::main_task& main) {
  const coro::scheduler::entered here(loop);
  try {
    main.finish();
  } catch (...) {
    if (!hung_) failure_ = std::current_exception();  // else it is the way the hang was ended
  }
  main.release();
  if (const auto left = loop.timers().size(); left != 0) {
    add_problem(std::to_string(left) + " timers are still armed");
  }
}

void virtual_run::report(const failure_report& what) {
  if (!recorders_.empty()) {
    recorders_.back()->reports_.push_back(what);
    return;
  }
  std::string problem = what.message;
  if (!what.task.empty()) problem += " (" + what.task + ")";
  if (what.where.line() != 0) {
    problem +=
        ", from " + std::string(what.where.file_name()) + ":" + std::to_string(what.where.line());
  }
  if (what.error) problem += ": " + describe_exception(what.error);
  add_problem(std::move(problem));
}

void virtual_run::rethrow() const {
  std::string text;
  for (const auto& problem : problems_) text += (text.empty() ? "" : "\n") + problem;
  if (failure_) std::rethrow_exception(failure_);
  if (!text.empty()) throw run_failure(text + "\n" + how_to_repeat());
}

runtime::virtual_driver& virtual_io() {
  auto* driver = dynamic_cast<runtime::virtual_driver*>(&runtime::loop::current().io());
  check(driver != nullptr, "asked a loop for its virtual driver that runs in real time");
  return *driver;
}

// --- error_recorder ---

error_recorder::error_recorder() {
  check(running != nullptr, "an error_recorder was made outside a virtual run");
  running->recorders_.push_back(this);
}

error_recorder::~error_recorder() { std::erase(running->recorders_, this); }

// --- requirements ---

requirement_failed::requirement_failed(const char* condition, std::source_location where)
    : message_(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
               ": required: " + condition) {}

void require(bool holds, const char* condition, std::source_location where) {
  if (holds) return;
  requirement_failed failure(condition, where);
  if (running != nullptr) running->add_problem(failure.what());
  throw failure;
}

}  // namespace eddy::testing
