// What all copies of a context share: its options, what they were made into, and the keys of its tickets. Thread-safe.
#pragma once

#include "setup.hpp"

#include <memory>
#include <mutex>
#include <variant>

#include <eddy/tls/context.hpp>

namespace eddy::tls::detail {

class context_core {
 public:
  using options = std::variant<server_options, client_options>;

  explicit context_core(options how);

  [[nodiscard]] bool is_server() const noexcept { return is_server_; }
  /// What handshakes that begin now use.
  [[nodiscard]] std::shared_ptr<const setup> current() const;
  void reload();
  void reload(options how);

 private:
  [[nodiscard]] std::shared_ptr<const setup> make(const options& how) const;

  ticket_keys keys_{};
  bool is_server_;
  mutable std::mutex mutex_;
  options options_;
  std::shared_ptr<const setup> current_;
};

}  // namespace eddy::tls::detail
