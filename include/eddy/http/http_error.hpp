// http_error: a failure that a client may see as it is.
#pragma once

#include <stdexcept>
#include <string>

#include <eddy/http/message.hpp>

namespace eddy::http {

/// Thrown by a handler, or by what it calls, to answer with `status` and {"error":{"status":..,"message":..}}. The
/// message is sent to the client. Usable on any thread.
class http_error : public std::runtime_error {
 public:
  /// `status` 400 to 599; an empty message is replaced by the status's phrase. Others throw invalid_input.
  explicit http_error(int status, const std::string& message = {});

  [[nodiscard]] int status() const noexcept { return status_; }

  /// Further fields of the answer: `throw http_error(429, "slow down").with("Retry-After", "5")`.
  http_error& with(std::string_view name, std::string_view value);
  [[nodiscard]] const fields& extra_fields() const noexcept { return fields_; }

 private:
  int status_;
  fields fields_;
};

/// The body that error answers have.
[[nodiscard]] std::string error_body(int status, std::string_view message);

}  // namespace eddy::http
