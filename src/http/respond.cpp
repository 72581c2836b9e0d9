// From a request to its answer: what server_core does with one, whatever protocol it came over.
#include "server_core.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include <eddy/base/error.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::http {

task<response> next::operator()(request& r) const { return core_->answer_from(index_, r); }

namespace detail {
namespace {

// A client that left in the middle of its request is nobody's failure.
bool is_hang_up(const request& asked, const std::exception_ptr& failure) {
  if (!asked.client_gone()) return false;
  try {
    std::rethrow_exception(failure);
  } catch (const error& lost) {
    return lost == condition::disconnected;
  } catch (...) {
    return false;
  }
}

response unexpected_failure(const request& asked, const std::exception_ptr& failure) {
  std::array<char, 16> digits{};
  const auto number = runtime::loop::current().random()();
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  const std::string id(digits.data(), end);
  report_failure("an HTTP handler failed, id " + id + ": " + description_of(asked), failure);
  std::string body = R"({"error":{"status":500,"message":"Internal Server Error","id":")";
  body.append(id).append("\"}}");
  return response::of(content_type::json, std::move(body), status::internal_server_error);
}

http_error took_too_long() {
  return http_error(status::service_unavailable, "the request took too long");
}

}  // namespace

std::string description_of(const request& asked) {
  return std::string(asked.method_token()).append(" ").append(asked.target());
}

wire::http1::body_size size_of_body(response& made) noexcept {
  using wire::http1::body_size;
  if (const auto* stream = made.stream_part()) {
    return stream->length ? body_size::sized(*stream->length) : body_size::chunked();
  }
  const std::size_t size = made.body().size();
  return made.status() == status::not_modified && size == 0 ? body_size::none()
                                                            : body_size::sized(size);
}

void limit_time(incoming_request& asked, duration limit) noexcept {
  if (limit > duration::zero()) asked.set_deadline(after(runtime::loop::current().now(), limit));
}

void report_failure(std::string what, const std::exception_ptr& failure) {
  runtime::loop& loop = runtime::loop::current();
  const coro::task_state& task = loop.require_task();
  loop.report({std::move(what), failure, task.name(), task.spawned_at()});
}

task<response> server_core::answer_from(std::size_t index, request& asked) const {
  std::exception_ptr failure;
  try {
    if (index < middlewares_.size()) {
      co_return co_await middlewares_[index](asked, next(*this, index + 1));
    }
    const route_entry* entry = find_route(asked);
    if (entry == nullptr) co_return unrouted(asked);
    if (entry->handler.plain) co_return entry->handler.plain(asked);
    co_return co_await handle(*entry, asked);
  } catch (...) {
    failure = std::current_exception();
  }
  if (holds_exception<cancelled>(failure)) std::rethrow_exception(failure);
  co_return failed(asked, failure);
}

const route_entry* server_core::find_route(request& asked) const {
  auto& incoming = static_cast<incoming_request&>(asked);
  const routing found = routes_.find(asked.method(), asked.path());
  if (found.entry == nullptr) return nullptr;
  const route_entry& entry = *found.entry;
  limit_time(incoming, entry.options.request_timeout);
  incoming.choose({entry.pattern, &entry.parameter_names, found.parameters});
  const std::uint64_t most = incoming.most_body(entry.options.max_body);
  incoming.source().limit_body(most);
  return asked.head().content_length() > most ? nullptr : &entry;
}

response server_core::unrouted(const request& asked) const {
  if (!asked.route().empty()) return response::error(status::content_too_large);
  const routing found = routes_.find(asked.method(), asked.path());
  if (asked.method() == method::options) {
    const bool of_server = asked.path() == "*";
    if (of_server || found.path_known) {
      response made(status::no_content);
      made.set("Allow", of_server ? routes_.all_methods() : found.allow);
      return made;
    }
  }
  if (asked.method() == method::unknown || asked.method() == method::connect) {
    return response::error(status::not_implemented);
  }
  if (!found.path_known) return response::error(status::not_found);
  response made = response::error(status::method_not_allowed);
  made.set("Allow", found.allow);
  return made;
}

response server_core::unavailable(std::string_view message) const {
  response made = response::error(status::service_unavailable, message);
  made.set("Retry-After", retry_after());
  return made;
}

std::string server_core::retry_after() const {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options_.retry_after);
  return std::to_string(seconds.count());
}

task<response> server_core::handle(const route_entry& entry, request& asked) const {
  const concurrency_slot of_server(running_, options_.max_concurrent);
  const concurrency_slot of_route(entry.running, entry.options.max_concurrent);
  if (!of_server.granted() || !of_route.granted()) co_return unavailable("too many at once");
  const duration own = entry.options.timeout;
  const duration most = own > duration::zero() ? own : options_.handler_timeout;
  time_point end = static_cast<const incoming_request&>(asked).deadline();
  if (most > duration::zero()) end = std::min(end, after(runtime::loop::current().now(), most));
  if (end == never) co_return co_await entry.handler.waiting(asked);
  cancel_scope limit(end);
  {
    const cancel_scope::entered inside(limit);
    try {
      co_return co_await entry.handler.waiting(asked);
    } catch (const cancelled& stop) {
      if (!limit.absorbs(stop)) throw;
    }
  }
  throw took_too_long();
}

task<void> server_core::stream_in_time(const request& asked, task<void> writing) {
  const time_point end = static_cast<const incoming_request&>(asked).deadline();
  const bool in_time = co_await move_on_at(end, std::move(writing));
  if (!in_time) throw took_too_long();
}

response server_core::failed(const request& asked, const std::exception_ptr& failure) const {
  try {
    std::rethrow_exception(failure);
  } catch (const http_error& told) {
    response made = response::error(told.status(), told.what());
    for (const field_view field : told.extra_fields()) made.add(field.name, field.value);
    const bool comes_back = made.status() == status::service_unavailable;
    if (comes_back && !made.fields().contains("Retry-After"))
      made.set("Retry-After", retry_after());
    return made;
  } catch (const json_error& wrong) {
    return response::error(status::bad_request, wrong.what());
  } catch (...) {  // told from each other below
  }
  if (is_hang_up(asked, failure)) return response::error(status::bad_request);
  return unexpected_failure(asked, failure);
}

}  // namespace detail
}  // namespace eddy::http
