#include "connection_base.hpp"

#include <array>
#include <charconv>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
namespace {

bool is_failure_of_client(int status) noexcept { return status >= 400 && status < 500; }

}  // namespace

connection_base::connection_base(server_loop& server, const net::address& peer)
    : server_(server), peer_(peer) {
  server_.add(*this);
  server_.counts().connections_open.add(1);
  server_.counts().connections_total.add(1);
}

connection_base::~connection_base() {
  if (armed()) server_.loop().timers().remove(*this);
  list_hook<>::unlink();
  list_hook<handling_tag>::unlink();
  return_exchange();
  if (running_) server_.counts().requests_running.subtract(1);
  server_.counts().connections_open.subtract(1);
}

void connection_base::borrow_exchange() {
  if (exchange_ != nullptr) return;
  exchange_ = server_.acquire();
  exchange_->reset(peer_, *this);
}

void connection_base::return_exchange() noexcept {
  if (exchange_ != nullptr) server_.release(std::move(exchange_));
}

// --- deadlines ---

void connection_base::enter(phase next, duration limit) noexcept {
  phase_ = next;
  deadline_ = after(server_.loop().turn_started(), limit);
  if (deadline_ >= armed_at_) [[likely]]
    return;
  if (armed()) server_.loop().timers().remove(*this);
  armed_at_ = deadline_;
  server_.loop().timers().add(*this, deadline_);
}

void connection_base::expired() noexcept {
  armed_at_ = never;
  if (phase_ == phase::handling) return;
  if (deadline_ > server_.loop().turn_started()) {
    armed_at_ = deadline_;
    server_.loop().timers().add(*this, deadline_);
    return;
  }
  switch (phase_) {
    case phase::idle: stop(ending::close); break;
    case phase::head:
      timed_out_ = exchange_ != nullptr && exchange_->head_begun();
      stop(timed_out_ ? ending::linger : ending::close);
      break;
    case phase::body:
      timed_out_ = true;
      stop(ending::linger);
      break;
    case phase::writing: stop(ending::cut); break;
    case phase::ending: cut(); break;
    case phase::handling: break;
  }
}

void connection_base::stop(ending how) noexcept {
  ending_ = how;
  scope_.cancel(cancel_reason::timeout);
}

void connection_base::drain() noexcept {
  const bool nothing_came = exchange_ == nullptr || !exchange_->head_begun();
  const bool waits = phase_ == phase::idle || (phase_ == phase::head && nothing_came);
  if (waits) stop(ending::close);
}

void connection_base::hung_up() noexcept {
  peer_gone_ = true;
  ending_ = ending::cut;
  scope_.cancel(cancel_reason::requested, "the client hung up");
}

// --- routing ---

const route_entry* connection_base::choose_route() {
  server_.counts().requests_running.add(1);
  running_ = true;
  head_mark_ = exchange_->output_mark();
  if (server_.core().observer_) observed_from_ = server_.loop().now();
  request& asked = exchange_->current();
  const routing found = server_.core().routes_.find(asked.method(), asked.path());
  if (found.entry == nullptr) {
    answer(unrouted(found));
    return nullptr;
  }
  const route_entry& entry = *found.entry;
  exchange_->route() = {entry.pattern, &entry.parameter_names, found.parameters};
  exchange_->limit_body(entry.options.max_body);
  if (asked.head().content_length() > entry.options.max_body) {
    answer(response::error(status::content_too_large));
    return nullptr;
  }
  return &entry;
}

response connection_base::unrouted(const routing& found) const {
  const request& asked = exchange_->current();
  if (asked.method() == method::options) {
    const bool of_server = asked.path() == "*";
    if (of_server || found.path_known) {
      response made(status::no_content);
      made.set("Allow", of_server ? server_.core().routes_.all_methods() : found.allow);
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

// --- answers ---

void connection_base::handle_plainly(const route_entry& entry) {
  try {
    answer(entry.handler.plain(exchange_->current()));
  } catch (...) {
    answer_failure(std::current_exception());
  }
}

exchange::answer_options connection_base::answer_options() {
  return {.date = server_.date(), .keep_alive = !server_.draining()};
}

void connection_base::answer(response made) {
  try {
    exchange_->answer(std::move(made), answer_options());
  } catch (const std::system_error&) {
    answer_failure(std::current_exception());
  }
}

void connection_base::answer_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const http_error& told) {
    response made = response::error(told.status(), told.what());
    for (const field_view field : told.extra_fields()) made.add(field.name, field.value);
    exchange_->answer(std::move(made), answer_options());
  } catch (const json_error& wrong) {
    exchange_->answer(response::error(status::bad_request, wrong.what()), answer_options());
  } catch (...) {
    std::array<char, 16> digits{};
    const auto number = server_.loop().random()();
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    const std::string id(digits.data(), end);
    report("an HTTP handler failed, id " + id, failure);
    std::string body = R"({"error":{"status":500,"message":"Internal Server Error","id":")";
    body.append(id).append("\"}}");
    exchange_->answer(response::of(content_type::json, std::move(body), 500), answer_options());
  }
}

void connection_base::report(std::string what, const std::exception_ptr& failure) {
  const coro::task_state& task = server_.loop().require_task();
  const request& asked = exchange_->current();
  what.append(": ").append(asked.method_token()).append(" ").append(asked.target());
  server_.loop().report({std::move(what), failure, task.name(), task.spawned_at()});
}

void connection_base::report_unless_disconnected(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const error& lost) {
    if (lost == condition::disconnected) return;
  } catch (...) {  // reported below
  }
  report("an HTTP answer was broken off", failure);
}

void connection_base::answer_refusal() {
  const wire::http1::errc why = exchange_->failure();
  const int status = wire::http1::suggested_status(why);
  exchange_->refuse(status, wire::http1::make_error_code(why).message(), server_.date());
  server_.counts().requests.add(1);
  server_.counts().client_errors.add(is_failure_of_client(status) ? 1 : 0);
  server_.counts().server_errors.add(status >= 500 ? 1 : 0);
  ending_ = ending::linger;
}

void connection_base::note_answer(int status) {
  figures& counts = server_.counts();
  counts.requests.add(1);
  counts.requests_running.subtract(1);
  running_ = false;
  if (is_failure_of_client(status)) counts.client_errors.add(1);
  if (status >= 500) counts.server_errors.add(1);
  const auto& observer = server_.core().observer_;
  if (!observer) return;
  const request& asked = exchange_->current();
  exchange_record record;
  record.method = asked.method_token();
  record.route = asked.route();
  record.target = asked.target();
  record.status = status;
  record.elapsed = server_.loop().now() - observed_from_;
  observer(record);
}

bool connection_base::finish_exchange() {
  const bool goes_on = exchange_->plan().keep_alive;
  if (!goes_on) {
    const bool unread = !exchange_->body_finished() || exchange_->has_input();
    if (unread && ending_ == ending::close) ending_ = ending::linger;
  }
  exchange_->finish();
  return goes_on;
}

void connection_base::set_trailers(const fields& trailers) {
  for (const field_view field : trailers) {
    if (wire::http1::is_forbidden_trailer(field.name)) {
      throw_invalid_input("a trailer named " + std::string(field.name));
    }
  }
  trailers_ = trailers;
}

}  // namespace eddy::http::detail
