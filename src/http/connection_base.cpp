#include "connection_base.hpp"

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
connection_base::connection_base(server_loop& server, const request_origin& origin, bool can_rest,
                                 bool fresh)
    : rests_(can_rest && server.options().idle_timeout > rest_delay),
      fresh_(fresh),
      server_(server),
      meter_(server),
      origin_(origin) {
  origin_.draining = &server.end_began();
  server_.add(*this);
}

connection_base::~connection_base() {
  if (armed()) server_.loop().timers().remove(*this);
  list_hook<handling_tag>::unlink();
  return_exchange();
}

void connection_base::borrow_exchange() {
  if (exchange_ != nullptr) return;
  exchange_ = server_.acquire();
  exchange_->bind(origin_, *this, input_);
}

void connection_base::return_exchange() noexcept {
  if (exchange_ != nullptr) server_.release(std::move(exchange_));
}

void connection_base::give_back() noexcept {
  return_exchange();
  input_.trim();
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

void connection_base::enter_body() noexcept {
  const server_options& options = server_.options();
  const time_point now = server_.loop().turn_started();
  enter(phase::body, std::min(options.body_timeout, body_pace_.begin(now, server_.pace())));
}

void connection_base::enter_writing() noexcept {
  const server_options& options = server_.options();
  const time_point now = server_.loop().turn_started();
  enter(phase::writing, std::min(options.write_timeout, write_pace_.begin(now, server_.pace())));
}

void connection_base::received_body(std::size_t bytes) noexcept {
  body_pace_.moved(server_.loop().turn_started(), bytes);
  received(bytes);
}

void connection_base::sent(std::size_t bytes) noexcept {
  sent_directly(bytes);
  exchange_->sent(bytes);
}

void connection_base::sent_directly(std::size_t bytes) noexcept {
  write_pace_.moved(server_.loop().turn_started(), bytes);
  server_.counts().bytes_sent.add(bytes);
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
    case phase::idle: stop(rests_ ? ending::rest : ending::close); break;
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
  scope_->cancel(cancel_reason::timeout);
}

void connection_base::enter_first_head() noexcept {
  const duration limit = server_.options().head_timeout;
  enter(phase::head, server_.ends_idle() ? std::min(limit, end_notice) : limit);
}

void connection_base::end_if_idle() noexcept {
  const bool nothing_came = exchange_ == nullptr || !exchange_->head_begun();
  const bool waits = phase_ == phase::idle || (phase_ == phase::head && nothing_came);
  if (!waits) return;
  const duration since_connect = server_.options().head_timeout - end_notice;
  const time_point asked_by = deadline_ - std::max(since_connect, duration::zero());
  const time_point now = server_.loop().turn_started();
  if (!awaits_first_ || asked_by <= now) return stop(ending::close);
  enter(phase_, asked_by - now);
}

void connection_base::hung_up() noexcept {
  peer_gone_ = true;
  ending_ = ending::cut;
  scope_->cancel(cancel_reason::requested, "the client hung up");
}

// --- answers ---

std::optional<task<response>> connection_base::respond() {
  request& asked = exchange_->current();
  meter_.begin(asked);
  head_mark_ = exchange_->output_mark();
  body_pace_ = write_pace_ = {};
  const server_core& core = server_.core();
  if (core.has_middlewares()) return core.respond(asked);
  const route_entry* entry = core.find_route(asked);
  if (entry == nullptr) {
    answer(core.unrouted(asked));
  } else if (!entry->handler.plain) {
    return core.handle(*entry, asked);
  } else {
    try {
      answer(entry->handler.plain(asked));
    } catch (...) {
      answer_failure(std::current_exception());
    }
  }
  return std::nullopt;
}

exchange::answer_options connection_base::answer_options() {
  return {.date = server_.date(), .keep_alive = !server_.draining()};
}

void connection_base::answer(response made) {
  if (made.is_upgrade() && (!exchange_->can_upgrade() || server_.draining())) {
    made = refuse_upgrade(made);
  }
  try {
    exchange_->answer(std::move(made), answer_options());
  } catch (const std::system_error&) {
    answer_failure(std::current_exception());
  }
}

response connection_base::refuse_upgrade(const response& made) const {
  if (server_.draining()) return server_.core().unavailable("the server ends");
  response refusal = response::error(status::upgrade_required);
  refusal.set("Connection", "Upgrade");
  refusal.set("Upgrade", made.fields().find("upgrade").value_or(std::string_view()));
  return refusal;
}

void connection_base::answer_failure(const std::exception_ptr& failure) {
  exchange_->answer(server_.core().failed(exchange_->current(), failure), answer_options());
}

void connection_base::report_broken_answer(const std::exception_ptr& failure) {
  report_unless_disconnected(
      "an HTTP answer was broken off: " + description_of(exchange_->current()), failure);
}

bool connection_base::hand_over_http2() {
  // The parser has read the first line; as much of the rest as has come has to fit as well.
  constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string_view came = input_.unread().substr(0, preface.size());
  const bool spoken = fresh_ && server_.options().http2_cleartext && preface.starts_with(came);
  if (!spoken) return false;
  http2_ = input_.take();
  ending_ = ending::hand_over;
  return true;
}

void connection_base::answer_refusal() {
  const wire::http1::errc why = exchange_->failure();
  const int status = wire::http1::suggested_status(why);
  exchange_->refuse(response::error(status, wire::http1::make_error_code(why).message()),
                    server_.date());
  server_.counts().count_answer(status);
  ending_ = ending::linger;
}

void connection_base::note_answer(int status) { meter_.end(exchange_->current(), status); }

bool connection_base::finish_exchange() {
  const bool goes_on = exchange_->plan().keep_alive;
  fresh_ = awaits_first_ = false;
  if (!goes_on) {
    const bool unread = !exchange_->body_finished() || !input_.empty();
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

void report_unless_disconnected(std::string what, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const error& lost) {
    if (lost == condition::disconnected) return;
  } catch (...) {  // reported below
  }
  report_failure(std::move(what), failure);
}

}  // namespace eddy::http::detail
