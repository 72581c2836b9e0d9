// All loops of the process, for reports that cover more than one.
#pragma once

#include <functional>

#include <eddy/runtime/loop.hpp>

namespace eddy::runtime::registry {

void add(loop& l);
void remove(loop& l) noexcept;
/// Calls `visit` for each loop, with the registry locked; loops cannot end meanwhile.
void for_each(const std::function<void(loop&)>& visit);

}  // namespace eddy::runtime::registry
