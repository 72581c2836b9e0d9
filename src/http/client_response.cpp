#include <eddy/http/client_response.hpp>

#include "response_state.hpp"

#include <eddy/base/check.hpp>
#include <eddy/http/client_error.hpp>
#include <eddy/http/json.hpp>

namespace eddy::http {
namespace {

/// The state of a response that was not moved from.
detail::response_state& live(const std::unique_ptr<detail::response_state>& state) {
  check(state != nullptr, "a client_response was used after it had been moved from");
  return *state;
}

}  // namespace

client_response::client_response(std::unique_ptr<detail::response_state> state) noexcept
    : state_(std::move(state)) {}
client_response::client_response(client_response&&) noexcept = default;
client_response& client_response::operator=(client_response&&) noexcept = default;
client_response::~client_response() = default;

int client_response::status() const noexcept { return live(state_).status; }
const http::fields& client_response::fields() const noexcept { return live(state_).fields; }
const std::string& client_response::url() const noexcept { return live(state_).progress().url; }
std::size_t client_response::redirects() const noexcept { return live(state_).redirects; }
const net::address& client_response::peer() const noexcept { return live(state_).peer; }
bool client_response::reused_connection() const noexcept { return live(state_).reused; }
bool client_response::finished() const noexcept { return live(state_).finished(); }
const http::fields& client_response::trailers() const noexcept { return live(state_).trailers; }

const client_response& client_response::raise_for_status() const {
  if (status() >= status::bad_request) {
    throw status_error(status(), live(state_).progress().method, url());
  }
  return *this;
}

task<std::size_t> client_response::read_some(std::span<std::byte> into) {
  return live(state_).read_some(into);
}

task<std::string> client_response::body() { return live(state_).body(); }

task<void> client_response::discard() { return live(state_).discard(); }

task<boost::json::value> client_response::json() {
  const std::string text = co_await body();
  co_return parse_json(text);
}

}  // namespace eddy::http
