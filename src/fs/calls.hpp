// How this module makes the file seam's calls.
#pragma once

#include <eddy/runtime/loop.hpp>
#include <eddy/runtime/offload.hpp>

namespace eddy::fs::detail {

/// The files of this loop's world.
[[nodiscard]] inline runtime::file_system& files() { return runtime::loop::current().io().files(); }

}  // namespace eddy::fs::detail
