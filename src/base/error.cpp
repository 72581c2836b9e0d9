#include <eddy/base/error.hpp>

#include <atomic>
#include <cerrno>

namespace eddy {
namespace {

class runtime_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy"; }

  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::task_cancelled: return "the task was cancelled";
      case errc::stray_cancelled: return "a cancellation left a task that its scope is not around";
      case errc::not_ready: return "the task ended before it was ready";
      case errc::already_set: return "the promise is already set";
      case errc::broken_promise: return "the promise was destroyed unset";
      case errc::closed: return "closed";
      case errc::shut_down: return "shut down";
      case errc::broken_barrier: return "the barrier is broken";
      case errc::busy: return "another task is using this end";
      case errc::incomplete: return "the stream ended too early";
      case errc::limit_exceeded: return "limit exceeded";
      case errc::invalid_input: return "invalid input";
      case errc::timed_out: return "timed out";
      case errc::interrupted: return "interrupted by a signal";
      case errc::unsupported: return "not supported here";
      case errc::host_not_found: return "host not found";
      case errc::resolve_failed: return "name resolution failed";
      case errc::overloaded: return "overloaded";
      case errc::lagged: return "items were dropped because the receiver was too slow";
    }
    return "unknown error " + std::to_string(code);
  }

  [[nodiscard]] condition condition_for(int code) const noexcept override {
    switch (static_cast<errc>(code)) {
      case errc::timed_out: return condition::timed_out;
      case errc::closed:
      case errc::incomplete:
      case errc::shut_down: return condition::disconnected;
      case errc::overloaded:
      case errc::lagged:
      case errc::busy: return condition::overloaded;
      case errc::invalid_input:
      case errc::limit_exceeded: return condition::invalid_input;
      case errc::unsupported: return condition::unsupported;
      default: return condition::failed;
    }
  }
};

class kind_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy.condition"; }

  [[nodiscard]] std::string message(int kind) const override {
    switch (static_cast<condition>(kind)) {
      case condition::timed_out: return "timed out";
      case condition::disconnected: return "disconnected";
      case condition::overloaded: return "overloaded";
      case condition::invalid_input: return "invalid input";
      case condition::unsupported: return "unsupported";
      case condition::failed: return "failed";
    }
    return "unknown condition";
  }

  [[nodiscard]] bool equivalent(const std::error_code& code, int kind) const noexcept override {
    return code && condition_of(code) == static_cast<condition>(kind);
  }
};

condition condition_of_errno(int code) noexcept {
  switch (code) {
    case ETIMEDOUT:
    case ETIME: return condition::timed_out;
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
    case ESHUTDOWN:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH: return condition::disconnected;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN: return condition::overloaded;
    case EINVAL:
    case ERANGE:
    case EDOM:
    case ENAMETOOLONG: return condition::invalid_input;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: return condition::unsupported;
    default: return condition::failed;
  }
}

}  // namespace

const std::error_category& error_category() noexcept {
  static const runtime_category category;
  return category;
}

const std::error_category& condition_category() noexcept {
  static const kind_category category;
  return category;
}

std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

std::error_condition make_error_condition(condition kind) noexcept {
  return {static_cast<int>(kind), condition_category()};
}

condition condition_of(const std::error_code& code) noexcept {
  if (const auto* own = dynamic_cast<const error_category_base*>(&code.category())) {
    return own->condition_for(code.value());
  }
  if (code.category() == std::system_category() || code.category() == std::generic_category()) {
    return condition_of_errno(code.value());
  }
  return condition::failed;
}

std::error_condition error_category_base::default_error_condition(int code) const noexcept {
  return make_error_condition(condition_for(code));
}

namespace {
std::atomic<async_stack_source> stack_source{nullptr};

std::string prefix(const std::string& operation, const std::string& peer) {
  return peer.empty() ? operation : operation + " " + peer;
}
}  // namespace

error::error(std::error_code code, std::string operation, std::string peer)
    : std::system_error(code, prefix(operation, peer)),
      operation_(std::move(operation)),
      peer_(std::move(peer)) {
  if (const auto source = stack_source.load()) stack_size_ = source(stack_.data(), stack_.size());
}

void set_async_stack_source(async_stack_source source) noexcept { stack_source.store(source); }

timeout_error::timeout_error(std::string operation)
    : error(make_error_code(errc::timed_out), std::move(operation)) {}

void throw_error(errc code, std::string_view operation) {
  throw error(code, std::string(operation));
}

void throw_error(std::error_code code, std::string_view operation) {
  throw error(code, std::string(operation));
}

void throw_invalid_input(std::string_view what) {
  throw error(errc::invalid_input, std::string(what));
}

}  // namespace eddy
