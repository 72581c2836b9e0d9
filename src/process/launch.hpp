// Starting a program: posix_spawn with everything that a child must not inherit taken away.
#pragma once

#include <memory>

#include <sys/types.h>

#include <eddy/process/options.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::process {

/// A started program and this side's ends of its pipes; those not asked for are null.
struct launched {
  std::unique_ptr<runtime::descriptor> in;
  std::unique_ptr<runtime::descriptor> out;
  std::unique_ptr<runtime::descriptor> err;
  pid_t pid = 0;
};

/// Throws eddy::error; nothing is left behind then.
[[nodiscard]] launched launch(const options& what, runtime::driver& io);

}  // namespace eddy::process
