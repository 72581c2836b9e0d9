// What a client and its requests share: options, pool, defaults, hooks; and the way of one request.
#pragma once

#include "client_exchange.hpp"
#include "client_url.hpp"
#include "connection_pool.hpp"

#include <memory>
#include <optional>
#include <vector>

#include <eddy/http/client.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::http::detail {

class client_session {
 public:
  explicit client_session(const client_options& options);

  static task<client_response> request(std::shared_ptr<client_session> self, request_spec spec);
  static task<client_upgrade> upgrade(std::shared_ptr<client_session> self, request_spec spec,
                                      std::string protocol);
  /// The request from the hook with that number on.
  task<client_response> run(request_spec& spec, std::size_t hook);

  http::fields default_fields;
  std::shared_ptr<connection_pool> pool;
  exchange_counts counts;
  std::vector<client_hook> hooks;

 private:
  struct attempt;  // one request's progress and limits

  /// Bounds `op` by the total time and turns its errors into request_error.
  template <class T>
  task<T> bounded(attempt& of, task<T> op);
  task<client_response> perform(request_spec& spec);
  task<client_response> follow(const request_spec& spec, attempt& of);
  task<client_upgrade> change_protocol(const request_spec& spec, attempt& of, std::string protocol);
  [[nodiscard]] attempt begin(const request_spec& spec) const;
  [[nodiscard]] outgoing_request prepare(const request_spec& spec) const;
  [[nodiscard]] exchange_setting setting_of(const attempt& of);
  [[nodiscard]] client_url next_hop(const outgoing_request& request, int status,
                                    std::string_view location, std::size_t number) const;
  void prepare_tls(const client_url& to);
  void add_cookies(outgoing_request& request);
  void keep_cookies(const outgoing_request& request, const incoming_response& response);
  /// The response takes the progress over.
  [[nodiscard]] client_response finished(std::unique_ptr<incoming_response> response,
                                         const request_spec& spec, attempt& of) const;

  client_options options_;
  proxy_settings proxies_;
  std::optional<client_url> base_;
  runtime::loop& loop_;
};

}  // namespace eddy::http::detail
