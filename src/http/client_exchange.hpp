// One request and its final response on one connection: acquire, connect, send, read the head.
#pragma once

#include "client_url.hpp"
#include "connection_pool.hpp"
#include "response_state.hpp"

#include <cstdint>
#include <memory>
#include <string>

#include <eddy/http/message.hpp>
#include <eddy/http/request_spec.hpp>

namespace eddy::http::detail {

/// A request as it goes out; redirects change it.
struct outgoing_request {
  /// Throws what client_url::parse throws.
  outgoing_request(const request_spec& spec, const http::fields& defaults);
  /// The request that a redirect asks for. Throws what client_url::resolve throws.
  void redirect(int status, std::string_view location);

  client_url url;
  std::string method;
  http::fields fields;
  std::string body;
};

struct exchange_options {
  duration connect_timeout{};
  wire::http1::limits response_limits;
  time_point deadline = never;  // for the body, which is read later
  std::size_t max_body = 0;
};

struct exchange_counts {
  std::uint64_t connects = 0;
  std::uint64_t requests = 0;
};

/// Notes in `at` how far it has come, for the caller's errors. Throws error, std::system_error (fields, heads that
/// cannot be written) and request_error.
task<std::unique_ptr<response_state>> exchange(std::shared_ptr<connection_pool> pool,
                                               const outgoing_request& request,
                                               const exchange_options& how, request_progress& at,
                                               exchange_counts& counts);

}  // namespace eddy::http::detail
