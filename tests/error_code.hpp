// Which error something ended with, for tests that expect one.
#pragma once

#include <exception>
#include <system_error>

#include <eddy/base/error.hpp>
#include <eddy/coro/result.hpp>

namespace eddy::tests {

/// The code of the eddy::error that `call` throws; none when it throws nothing. Other exceptions pass.
template <class Call>
std::error_code code_thrown_by(Call call) {
  try {
    call();
  } catch (const error& e) {
    return e.code();
  }
  return {};
}

/// The code of the eddy::error in `ended`; none when it ended with a value or cancelled.
template <class T>
std::error_code code_of(const result<T>& ended) {
  return code_thrown_by([&] {
    if (ended.has_error()) std::rethrow_exception(ended.error());
  });
}

}  // namespace eddy::tests
