// What tests of the client do again and again.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <eddy/http/client.hpp>

namespace eddy::http::testing {

/// The request_error that `op` throws; nullopt when it throws none.
template <class T>
task<std::optional<request_error>> error_of(task<T> op) {
  std::optional<request_error> thrown;
  try {
    static_cast<void>(co_await std::move(op));
  } catch (const request_error& e) {
    thrown = e;
  }
  co_return thrown;
}

/// The body of a GET.
inline task<std::string> fetch(client& c, std::string url) {
  client_response response = co_await c.get(std::move(url));
  co_return co_await response.body();
}

}  // namespace eddy::http::testing
