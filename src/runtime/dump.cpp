#include <eddy/runtime/dump.hpp>

#include "registry.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <vector>

#include <eddy/coro/promise_base.hpp>
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
  return text + ", " + seconds(now - task.waiting_since());
}

const task_state* holder_before(const task_state& task) {
  const auto* operation = task.waiting_on();
  return operation != nullptr ? operation->describe().holder : nullptr;
}

/// Who waits for whom, as lines of text: every chain from its first waiter on, every cycle once.
class chain_writer {
 public:
  explicit chain_writer(runtime::loop& of) {
    for (auto* task = of.tasks().front(); task != nullptr; task = of.tasks().next(*task)) {
      if (const task_state* holder = holder_before(*task)) {
        waiting_for_.emplace(task, holder);
        waited_for_.insert(holder);
      }
    }
  }

  std::string write() {
    for (const auto& [first, holder] : waiting_for_) {
      if (!waited_for_.contains(first)) write_chain(*first);
    }
    // What no chain has reached goes round.
    for (const auto& [first, holder] : waiting_for_) {
      if (!seen_.contains(first)) write_chain(*first);
    }
    return std::move(text_);
  }

 private:
  void write_chain(const task_state& first) {
    std::vector<const task_state*> chain;
    std::set<const task_state*> here;
    const task_state* at = &first;
    while (at != nullptr && here.insert(at).second) {
      seen_.insert(at);
      chain.push_back(at);
      const auto next = waiting_for_.find(at);
      at = next != waiting_for_.end() ? next->second : nullptr;
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

  std::map<const task_state*, const task_state*> waiting_for_;
  std::set<const task_state*> waited_for_;
  std::set<const task_state*> seen_;
  std::set<const task_state*> cycles_;
  std::string text_;
};

class tree_writer {
 public:
  explicit tree_writer(runtime::loop& of) : loop_(of), now_(of.now()) {
    for (auto* task = of.tasks().front(); task != nullptr; task = of.tasks().next(*task)) {
      const auto* owner = task->owner();
      children_[owner != nullptr ? owner->host() : nullptr].push_back(task);
    }
  }

  std::string write() {
    text_ = "loop " + std::to_string(loop_.index()) + " (" + std::string(loop_.io().name()) +
            "), " + std::to_string(loop_.live_tasks()) + " tasks\n";
    // Iterative: a tree may be as deep as memory allows.
    std::vector<std::pair<const task_state*, std::size_t>> open;
    const auto push_children = [&](const task_state* of, std::size_t depth) {
      const auto found = children_.find(of);
      if (found == children_.end()) return;
      for (auto it = found->second.rbegin(); it != found->second.rend(); ++it)
        open.emplace_back(*it, depth);
    };
    push_children(nullptr, 1);
    while (!open.empty()) {
      const auto [task, depth] = open.back();
      open.pop_back();
      write_task(*task, depth);
      push_children(task, depth + 1);
    }
    return std::move(text_) + chain_writer(loop_).write();
  }

 private:
  void write_task(const task_state& task, std::size_t depth) {
    const std::string indent(depth * 2, ' ');
    text_ += indent + task.name() + "  spawned at " + place(task.spawned_at()) + "\n";
    const std::string chain = await_chain(task);
    text_ +=
        indent + "    " + (chain.empty() ? "" : "at " + chain + ", ") + waiting(task, now_) + "\n";
  }

  runtime::loop& loop_;
  time_point now_;
  std::map<const task_state*, std::vector<const task_state*>> children_;
  std::string text_;
};

}  // namespace

std::string task_tree() { return tree_writer(runtime::loop::current()).write(); }

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
