#include <eddy/resilience/error.hpp>

#include <string>

namespace eddy::resilience {
namespace {

class resilience_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "eddy.resilience"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::circuit_open: return "the circuit breaker is open";
      case errc::bulkhead_full: return "too many calls run and wait";
      case errc::result_rejected: return "no result was accepted";
    }
    return "unknown resilience error";
  }
  [[nodiscard]] condition condition_for(int code) const noexcept override {
    return static_cast<errc>(code) == errc::result_rejected ? condition::failed
                                                            : condition::overloaded;
  }
};

}  // namespace

const std::error_category& category() noexcept {
  static const resilience_category instance;
  return instance;
}

std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

}  // namespace eddy::resilience
