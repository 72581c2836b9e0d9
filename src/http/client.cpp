#include <eddy/http/client.hpp>

#include "client_exchange.hpp"
#include "client_url.hpp"
#include "connection_pool.hpp"
#include "redirect.hpp"
#include "response_state.hpp"

#include <utility>

#include <eddy/coro/timeout.hpp>
#include <eddy/http/json.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::http {

request_spec& request_spec::set_body(std::string content, std::string_view type) {
  body = std::move(content);
  fields.set("Content-Type", type);
  return *this;
}

request_spec& request_spec::set_json(const boost::json::value& content) {
  return set_body(to_json(content), content_type::json);
}

class client::core {
 public:
  explicit core(const client_options& options);

  static task<client_response> perform(std::shared_ptr<core> self, request_spec spec);

  http::fields default_fields;
  std::shared_ptr<detail::connection_pool> pool;
  detail::exchange_counts counts;

 private:
  task<client_response> follow(const request_spec& spec, detail::request_progress& at,
                               time_point deadline);

  client_options options_;
};

client::core::core(const client_options& options) : options_(options) {
  if (options.max_connections == 0) throw_invalid_input("http client: max_connections zero");
  if (options.max_connections_per_host == 0) {
    throw_invalid_input("http client: max_connections_per_host zero");
  }
  if (!options.user_agent.empty()) default_fields.set("User-Agent", options.user_agent);
  options_.user_agent = {};
  default_fields.set("Accept", "*/*");
  detail::pool_limits limits{};
  limits.max_total = options.max_connections;
  limits.max_per_host = options.max_connections_per_host;
  limits.keep_alive = options.keep_alive;
  pool = std::make_shared<detail::connection_pool>(limits, runtime::loop::current());
}

task<client_response> client::core::follow(const request_spec& spec, detail::request_progress& at,
                                           time_point deadline) {
  detail::exchange_options how;
  how.connect_timeout = options_.connect_timeout;
  how.response_limits = options_.response_limits;
  how.deadline = deadline;
  how.max_body = spec.max_body.value_or(options_.max_body);
  const std::size_t most = spec.max_redirects.value_or(options_.max_redirects);

  detail::outgoing_request request(spec, default_fields);
  for (std::size_t redirects = 0;; ++redirects) {
    at.url = request.url.text();
    at.method = request.method;
    auto state = co_await detail::exchange(pool, request, how, at, counts);
    state->redirects = redirects;
    const auto location = state->fields.find("Location");
    if (most == 0 || !location || !detail::is_redirect(state->status)) {
      co_return client_response(std::move(state));
    }
    if (redirects == most) {
      throw at.failed(errc::limit_exceeded, "more than " + std::to_string(most) + " redirects");
    }
    at.phase = request_phase::preparing;
    request.redirect(state->status, *location);
    co_await detail::discard_redirect_body(*state);
  }
}

task<client_response> client::core::perform(std::shared_ptr<core> self, request_spec spec) {
  detail::request_progress at;
  at.method = spec.method;
  at.url = spec.url;
  at.time_limit = spec.timeout.value_or(self->options_.total_timeout);
  const time_point deadline = after(now(), at.time_limit);
  try {
    auto response = co_await move_on_at(deadline, self->follow(spec, at, deadline));
    if (response) co_return std::move(*response);
  } catch (const request_error&) {
    throw;
  } catch (const error& e) {
    // The codes of preparing say what is wrong in the operation, those of later phases in their own text.
    const bool own = e.code().category() == error_category() && !e.operation().empty();
    const bool explains = at.phase == request_phase::preparing && own;
    throw at.failed(e.code(),
                    explains ? std::string_view(e.operation()) : std::string_view(e.what()));
  } catch (const std::system_error& e) {
    throw at.failed(e.code(), e.what());
  }
  throw at.timed_out();
}

client::client(const client_options& options) : core_(std::make_shared<core>(options)) {}
client::~client() { close(); }

task<client_response> client::request(request_spec spec) {
  return core::perform(core_, std::move(spec));
}

task<client_response> client::get(std::string url) {
  return request(request_spec("GET", std::move(url)));
}

task<client_response> client::head(std::string url) {
  return request(request_spec("HEAD", std::move(url)));
}

task<client_response> client::post(std::string url, std::string body, std::string content_type) {
  request_spec spec("POST", std::move(url));
  spec.set_body(std::move(body), content_type);
  return request(std::move(spec));
}

task<client_response> client::post_json(std::string url, const boost::json::value& body) {
  request_spec spec("POST", std::move(url));
  spec.set_json(body);
  return request(std::move(spec));
}

http::fields& client::default_fields() noexcept { return core_->default_fields; }

void client::close() noexcept { core_->pool->close(); }

client_statistics client::statistics() const noexcept {
  client_statistics figures;
  figures.connections = core_->pool->total();
  figures.idle = core_->pool->idle();
  figures.waiting = core_->pool->waiting();
  figures.connects = core_->counts.connects;
  figures.requests = core_->counts.requests;
  return figures;
}

}  // namespace eddy::http
