// What the load does without a network: timers, tasks, threads.
#pragma once

#include "world.hpp"

namespace soak {

/// A sleep with a limit: one of the two timers expires, the other is cancelled.
eddy::task<void> sleep_or_not(world& w);
/// A group of tasks, sometimes cancelled.
eddy::task<void> spawn_some(world& w);
/// Two calls on threads, one of which may be abandoned.
eddy::task<void> call(world& w);

}  // namespace soak
