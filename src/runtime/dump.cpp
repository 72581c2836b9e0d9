#include <eddy/runtime/dump.hpp>

#include "registry.hpp"

#include <algorithm>
#include <cstdio>
#include <set>
#include <unordered_map>
#include <vector>

#include <eddy/coro/promise_base.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy {
namespace {

using coro::task_state;

std::string place(std::source_location where) {
  if (where.line() == 0) return "?";
  const std::string_view file = where.file_name();
  const auto slash = file.rfind('/');
  return std::string(slash == file.npos ? file : file.substr(slash + 1)) + ":" +
         std::to_string(where.line());
}

std::string seconds(duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", std::chrono::duration<double>(d).count());
  return text;
}

std::string await_chain(const task_state& task) {
  const bool running = task.loop().current_task() == &task;
  const auto* innermost = running ? coro::running_frame : task.innermost_frame();
  std::vector<std::string> places;
  for (const auto* frame = innermost; frame != nullptr; frame = frame->awaited_by()) {
    if (frame->await_place().line() != 0) places.push_back(place(frame->await_place()));
  }
  std::string chain;
  for (auto it = places.rbegin(); it != places.rend(); ++it)
    chain += (chain.empty() ? "" : " > ") + *it;
  return chain;
}

std::string waiting(const task_state& task, time_point now) {
  const auto* operation = task.waiting_on();
  if (operation == nullptr) return task.loop().current_task() == &task ? "running" : "ready";
  const coro::wait_info info = operation->describe();
  std::string text = "waits for " + std::string(info.kind);
  if (!info.detail.empty()) text += " " + info.detail;
  if (info.holder != nullptr && info.detail != info.holder->name())
    text += ", held by " + info.holder->name();
  return text + ", " + seconds(operation->waited(now));
}

const task_state* holder_before(const task_state& task) {
  const auto* operation = task.waiting_on();
  return operation != nullptr ? operation->describe().holder : nullptr;
}

/// Records stay while somebody holds them, also of tasks that have ended meanwhile.
class held_tasks {
 public:
  held_tasks() = default;
  held_tasks(const held_tasks&) = delete;
  held_tasks& operator=(const held_tasks&) = delete;
  ~held_tasks() {
    for (task_state* task : all_) task->release();
  }
  void add(task_state& task) {
    all_.push_back(&task);
    task.retain();
  }
  [[nodiscard]] const std::vector<task_state*>& all() const noexcept { return all_; }

 private:
  std::vector<task_state*> all_;
};

/// Who waits for whom, as lines of text: every chain from its first waiter on, every cycle once. Waits that have ended
/// since they were added are left out.
class chain_writer {
 public:
  void add(const task_state& task) {
    if (holder_before(task) != nullptr) waiters_.push_back(&task);
  }

  /// One step of the work; false when all is written.
  bool step() {
    if (phase_ == phase::looking) {
      if (at_ < waiters_.size()) {
        note_holder(*waiters_[at_++]);
      } else {
        phase_ = phase::chains;
        at_ = 0;
      }
      return true;
    }
    if (at_ < waiters_.size()) {
      const task_state& first = *waiters_[at_++];
      // In the second pass: what no chain has reached goes round.
      const bool begins =
          phase_ == phase::chains ? !waited_for_.contains(&first) : !seen_.contains(&first);
      if (begins && holder_before(first) != nullptr) write_chain(first);
      return true;
    }
    if (phase_ == phase::cycles) return false;
    phase_ = phase::cycles;
    at_ = 0;
    return true;
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  enum class phase : std::uint8_t { looking, chains, cycles };

  void note_holder(const task_state& task) {
    if (const task_state* holder = holder_before(task)) waited_for_.insert(holder);
  }

  void write_chain(const task_state& first) {
    std::vector<const task_state*> chain;
    std::set<const task_state*> here;
    const task_state* at = &first;
    while (at != nullptr && here.insert(at).second) {
      seen_.insert(at);
      chain.push_back(at);
      at = holder_before(*at);
    }
    std::string line = first.name();
    for (const task_state* link : chain) line += described(*link);
    if (at != nullptr) {
      // The same cycle is met by each chain that leads into it.
      const auto entry = std::find(chain.begin(), chain.end(), at);
      const bool fresh = cycles_.insert(*std::min_element(entry, chain.end())).second;
      line = (fresh ? "  deadlock: " : "  into that deadlock: ") + line;
    } else {
      line = "  chain: " + line;
    }
    text_ += line + "\n";
  }

  std::string described(const task_state& link) const {
    const auto* operation = link.waiting_on();
    if (operation == nullptr) return " (which does not wait)";
    const coro::wait_info info = operation->describe();
    std::string text = " -> " + std::string(info.kind);
    if (info.holder == nullptr) return text;
    if (!info.detail.empty() && info.detail != info.holder->name())
      text += " (" + info.detail + ")";
    return text + " -> " + info.holder->name();
  }

  phase phase_ = phase::looking;
  std::size_t at_ = 0;
  std::vector<const task_state*> waiters_;
  std::set<const task_state*> waited_for_;
  std::set<const task_state*> seen_;
  std::set<const task_state*> cycles_;
  std::string text_;
};

/// Writes the tree in small steps, between which tasks may end and begin: first the tasks are collected in the order in
/// which they were spawned, at most as many as there were; then written each below its owner, then the chains. What has
/// ended by its turn is left out.
class tree_writer {
 public:
  explicit tree_writer(runtime::loop& of) : loop_(of), to_collect_(of.live_tasks()) {
    text_ = "loop " + std::to_string(loop_.index()) + " (" + std::string(loop_.io().name()) +
            "), " + std::to_string(to_collect_) + " tasks\n";
  }

  /// False when all is written.
  bool step() {
    if (collecting_) {
      collecting_ = collect_next();
      if (!collecting_) open_children(nullptr, 1);
      return true;
    }
    if (open_.empty()) return chains_.step();
    // Iterative: a tree may be as deep as memory allows.
    const auto [task, depth] = open_.back();
    open_.pop_back();
    if (!task->done()) {
      write_task(*task, depth);
      chains_.add(*task);
    }
    open_children(task, depth + 1);
    return true;
  }

  [[nodiscard]] std::string take() { return std::move(text_) + chains_.take(); }
  [[nodiscard]] std::string write() {
    while (step()) continue;
    return take();
  }

 private:
  bool collect_next() {
    if (held_.all().size() == to_collect_) return false;
    // Tasks leave the list when they end and come to it at its end, so what follows the last one collected that is
    // still in it has not been collected yet.
    while (!trail_.empty() && trail_.back()->done()) trail_.pop_back();
    auto& list = loop_.tasks();
    task_state* next = trail_.empty() ? list.front() : list.next(*trail_.back());
    if (next == nullptr) return false;
    held_.add(*next);
    trail_.push_back(next);
    const auto* owner = next->owner();
    children_[owner != nullptr ? owner->host() : nullptr].push_back(next);
    return true;
  }

  void open_children(const task_state* of, std::size_t depth) {
    const auto found = children_.find(of);
    if (found == children_.end()) return;
    for (auto it = found->second.rbegin(); it != found->second.rend(); ++it)
      open_.emplace_back(*it, depth);
  }

  void write_task(const task_state& task, std::size_t depth) {
    const std::string indent(depth * 2, ' ');
    text_ += indent + task.name() + "  spawned at " + place(task.spawned_at()) + "\n";
    const std::string chain = await_chain(task);
    text_ += indent + "    " + (chain.empty() ? "" : "at " + chain + ", ") +
             waiting(task, loop_.now()) + "\n";
  }

  runtime::loop& loop_;
  std::size_t to_collect_;
  bool collecting_ = true;
  held_tasks held_;
  std::vector<task_state*> trail_;  // collected ones, without those known to have ended
  std::unordered_map<const task_state*, std::vector<const task_state*>> children_;
  std::vector<std::pair<const task_state*, std::size_t>> open_;
  std::string text_;
  chain_writer chains_;
};

/// Steps between which nobody else runs: a few hundred microseconds.
constexpr int steps_in_a_slice = 128;

task<std::string> write_in_slices(tree_writer& writer) {
  int steps = 0;
  while (writer.step()) {
    if (++steps % steps_in_a_slice == 0) co_await yield();
  }
  co_return writer.take();
}

}  // namespace

std::string task_tree() { return tree_writer(runtime::loop::current()).write(); }

task<std::string> read_task_tree() {
  tree_writer writer(runtime::loop::current());
  co_return co_await write_in_slices(writer);
}

void runtime::print_task_tree() {
  const std::string text = tree_writer(runtime::loop::current()).write();
  std::fputs(text.c_str(), stderr);
}

void dump_tasks() {
  auto* here = coro::scheduler::current();
  if (here != nullptr) runtime::print_task_tree();
  runtime::registry::for_each([here](runtime::loop& l) {
    if (&l != here) l.ref().post(runtime::print_task_tree);
  });
}

}  // namespace eddy
