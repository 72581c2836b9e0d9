// The task tree: what every task is, where it stands, and what it waits for.
#pragma once

#include <string>

#include <eddy/coro/task.hpp>

namespace eddy {

/// This loop's tasks as text, each below the task whose group or construct owns it: name, where it was spawned, the
/// chain of awaits as file:line from the outermost inwards, what it waits for and for how long. Below the tasks
/// stand the wait-for chains: who waits for what somebody holds, and what that one waits for; one that bites its
/// own tail is called a deadlock. Stops the program outside a loop.
[[nodiscard]] std::string task_tree();

/// The same for a live program with very many tasks: written in short slices, between which the other tasks run. Tasks
/// that end meanwhile are left out. Each task is shown as it stood when it was written. Cancellable.
task<std::string> read_task_tree();

/// Writes the trees of all loops of the process to stderr: this loop's at once, the others' as soon as they get to
/// it. Any thread.
void dump_tasks();

namespace runtime {
/// Writes this loop's tree to stderr.
void print_task_tree();
}  // namespace runtime

}  // namespace eddy
