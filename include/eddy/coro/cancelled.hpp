// The request to stop, as it travels through a task.
//
// A cancelled scope makes every suspending operation inside it throw `cancelled`. It is not derived from
// std::exception, so that `catch (const std::exception&)` cannot swallow it: it passes all code between the operation
// and the scope that was cancelled, and that scope absorbs it. Code that catches it with `catch (...)` should rethrow;
// swallowing gains nothing, since the next operation throws again.
#pragma once

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include <eddy/base/counted_ptr.hpp>

namespace eddy {

/// Why a scope was cancelled.
enum class cancel_reason : std::uint8_t {
  requested,       ///< somebody called cancel()
  timeout,         ///< the scope's deadline passed
  sibling_failed,  ///< another task of the group failed
  parent,          ///< only as seen from an inner scope: a scope around it was cancelled
  shutdown,        ///< the loop is ending
  overload,        ///< load was shed
};

[[nodiscard]] std::string_view to_string(cancel_reason reason) noexcept;

namespace coro {

/// What is known about one cancellation. Shared by the scope and every `cancelled` that names it; its identity is the
/// scope's name, which stays unique although the scope may be gone.
struct cancel_info {
  cancel_reason reason;
  std::string text;
  std::source_location where;
  mutable std::atomic<std::uint32_t> references{0};

  cancel_info(cancel_reason r, std::string t, std::source_location w)
      : reason(r), text(std::move(t)), where(w) {}
};

/// Shared ownership of a cancel_info; usable on any thread.
using cancel_info_ptr = counted_ptr<const cancel_info>;

}  // namespace coro

/// Thrown by operations in a cancelled scope; names the outermost cancelled scope that was visible. Copyable.
class cancelled {
 public:
  explicit cancelled(coro::cancel_info_ptr info) noexcept : info_(std::move(info)) {}

  [[nodiscard]] cancel_reason reason() const noexcept { return info_->reason; }
  [[nodiscard]] const std::string& text() const noexcept { return info_->text; }
  /// Where cancel() was called; for a timeout, where the deadline was set.
  [[nodiscard]] std::source_location where() const noexcept { return info_->where; }
  /// Bytes or items that were done before the operation was stopped (a write's; else zero).
  [[nodiscard]] std::size_t progress() const noexcept { return progress_; }
  cancelled& set_progress(std::size_t done) noexcept {
    progress_ = done;
    return *this;
  }

  /// The name of the scope; for whoever writes scopes.
  [[nodiscard]] const coro::cancel_info_ptr& info() const noexcept { return info_; }

 private:
  coro::cancel_info_ptr info_;
  std::size_t progress_ = 0;
};

}  // namespace eddy
