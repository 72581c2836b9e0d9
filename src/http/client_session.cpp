#include "client_session.hpp"

#include "redirect.hpp"
#include "response_state.hpp"

#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/wire/uri.hpp>

namespace eddy::http {

task<client_response> client_next::operator()(request_spec& spec) const {
  return session_->run(spec, hook_);
}

namespace detail {

struct client_session::attempt {
  request_progress at;
  client_timeouts limits;
  time_point deadline = never;
  std::size_t redirects = 0;
};

client_session::client_session(const client_options& options)
    : options_(options), proxies_(options), loop_(runtime::loop::current()) {
  if (options.max_connections == 0) throw_invalid_input("http client: max_connections zero");
  if (options.max_connections_per_host == 0) {
    throw_invalid_input("http client: max_connections_per_host zero");
  }
  if (!options.base_url.empty()) base_ = client_url::parse(options.base_url);
  if (!options.user_agent.empty()) default_fields.set("User-Agent", options.user_agent);
  default_fields.set("Accept", "*/*");
  pool_limits limits{};
  limits.max_total = options.max_connections;
  limits.max_per_host = options.max_connections_per_host;
  limits.keep_alive = options.keep_alive;
  pool = std::make_shared<connection_pool>(limits, loop_);
}

// --- hooks ---

task<client_response> client_session::request(std::shared_ptr<client_session> self,
                                              request_spec spec) {
  if (self->hooks.empty()) co_return co_await self->perform(spec);
  co_return co_await self->run(spec, 0);
}

task<client_response> client_session::run(request_spec& spec, std::size_t hook) {
  if (hook == hooks.size()) return perform(spec);
  return hooks[hook](spec, client_next(*this, hook + 1));
}

// --- one request ---

client_session::attempt client_session::begin(const request_spec& spec) const {
  attempt made;
  made.at.method = spec.method;
  made.at.url = spec.url;
  made.limits = limits_of(options_.timeouts, spec.timeouts);
  made.at.time_limit = made.limits.total;
  made.deadline = after(now(), made.limits.total);
  return made;
}

exchange_setting client_session::setting_of(const attempt& of) {
  return {options_, proxies_, *pool, counts, of.limits};
}

template <class T>
task<T> client_session::bounded(attempt& of, task<T> op) {
  try {
    auto done = co_await move_on_at(of.deadline, std::move(op));
    if (done) co_return std::move(*done);
  } catch (const request_error&) {
    throw;
  } catch (const error& e) {
    // The codes of preparing say what is wrong in the operation, those of later phases in their own text.
    const bool own = e.code().category() == error_category() && !e.operation().empty();
    const bool explains = of.at.phase == request_phase::preparing && own;
    throw of.at.failed(e.code(),
                       explains ? std::string_view(e.operation()) : std::string_view(e.what()));
  } catch (const std::system_error& e) {
    throw of.at.failed(e.code(), e.what());
  }
  throw of.at.timed_out();
}

task<client_response> client_session::perform(request_spec& spec) {
  attempt of = begin(spec);
  co_return co_await bounded(of, follow(spec, of));
}

outgoing_request client_session::prepare(const request_spec& spec) const {
  outgoing_request made(spec, base_ ? &*base_ : nullptr, default_fields);
  const bool decodes = spec.decompress.value_or(options_.decompress);
  // Ranges count the bytes of the coded form, of which a part cannot be decoded.
  if (decodes && !made.fields.contains("Accept-Encoding") && !made.fields.contains("Range")) {
    made.fields.add("Accept-Encoding", accepted_codings());
  }
  if (made.expects_continue) made.fields.set("Expect", "100-continue");
  return made;
}

void client_session::prepare_tls(const client_url& to) {
  // Not in the constructor: the system's authorities are a file of some size, and many programs need none.
  if (to.secure && !options_.connector && !options_.tls) options_.tls = tls::context::client();
}

task<client_response> client_session::follow(const request_spec& spec, attempt& of) {
  const exchange_setting setting = setting_of(of);
  const std::size_t most = spec.max_redirects.value_or(options_.max_redirects);
  outgoing_request request = prepare(spec);
  bool own_cookies = request.fields.contains("Cookie");
  for (;; ++of.redirects) {
    of.at.url = request.url.text;
    of.at.method = request.method;
    if (!own_cookies) add_cookies(request);
    prepare_tls(request.url);
    auto response = co_await exchange(setting, request, of.at);
    keep_cookies(request, *response);
    const auto location = response->fields.find("Location");
    if (most == 0 || !location || !is_redirect(response->status)) {
      co_return finished(std::move(response), spec, of);
    }
    if (of.redirects == most) {
      throw of.at.failed(errc::limit_exceeded, "more than " + std::to_string(most) + " redirects");
    }
    of.at.phase = request_phase::preparing;
    client_url next = next_hop(request, response->status, *location, of.redirects);
    own_cookies = own_cookies && next.origin == request.url.origin;
    request.redirect(response->status, std::move(next));
    co_await discard_redirect_body(*response);
  }
}

client_url client_session::next_hop(const outgoing_request& request, int status,
                                    std::string_view location, std::size_t number) const {
  // Many servers write what is no URI there: blanks, letters beyond ASCII.
  client_url next = request.url.resolve(wire::escape_stray(location));
  const std::string& from = request.url.text;
  const std::string& to = next.text;
  if (request.url.secure && !next.secure && !options_.follow_to_http) {
    throw error(request_errc::insecure_redirect, "redirect to " + to);
  }
  const redirect_step step{status, from, to, number};
  if (options_.allow_redirect && !options_.allow_redirect(step)) {
    throw error(request_errc::redirect_refused, "redirect to " + to);
  }
  return next;
}

client_response client_session::finished(std::unique_ptr<incoming_response> response,
                                         const request_spec& spec, attempt& of) const {
  reading_limits limits;
  limits.deadline = of.deadline;
  limits.idle = of.limits.idle_read;
  limits.max_body = spec.max_body.value_or(options_.max_body);
  limits.decompress = spec.decompress.value_or(options_.decompress);
  auto state = std::make_unique<response_state>(std::move(response), std::move(of.at), limits);
  state->redirects = of.redirects;
  return client_response(std::move(state));
}

// --- cookies ---

void client_session::add_cookies(outgoing_request& request) {
  if (options_.cookies == nullptr) return;
  const cookie_target to{request.url.host, request.url.path(), request.url.secure};
  const std::string text = options_.cookies->header_for(to, loop_.time_source().calendar());
  request.fields.remove("Cookie");
  if (!text.empty()) request.fields.add("Cookie", text);
}

void client_session::keep_cookies(const outgoing_request& request,
                                  const incoming_response& response) {
  if (options_.cookies == nullptr) return;
  const cookie_target from{request.url.host, request.url.path(), request.url.secure};
  for (const field_view field : response.fields) {
    if (!wire::http1::equals_ignoring_case(field.name, "Set-Cookie")) continue;
    options_.cookies->store(field.value, from, loop_.time_source().calendar());
  }
}

// --- upgrades ---

task<client_upgrade> client_session::upgrade(std::shared_ptr<client_session> self,
                                             request_spec spec, std::string protocol) {
  attempt of = self->begin(spec);
  co_return co_await self->bounded(of, self->change_protocol(spec, of, std::move(protocol)));
}

task<client_upgrade> client_session::change_protocol(const request_spec& spec, attempt& of,
                                                     std::string protocol) {
  const exchange_setting setting = setting_of(of);
  outgoing_request request = prepare(spec);
  of.at.url = request.url.text;
  request.fields.set("Connection", "Upgrade");
  request.fields.set("Upgrade", protocol);
  request.upgrade = std::move(protocol);
  add_cookies(request);
  prepare_tls(request.url);
  std::unique_ptr<client_connection> taken;
  auto response = co_await exchange_upgrade(setting, request, of.at, taken);
  keep_cookies(request, *response);
  client_upgrade made(finished(std::move(response), spec, of));
  if (taken != nullptr) made.stream.emplace(stream_of(std::move(taken)));
  co_return made;
}

}  // namespace detail
}  // namespace eddy::http
