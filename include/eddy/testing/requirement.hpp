// EDDY_REQUIRE: a test's condition without which it cannot go on. GoogleTest's ASSERT_ macros return, which a coroutine
// cannot; this throws.
//
//   auto page = co_await fetch(url);   // name the result first: no co_await inside the macro
//   EDDY_REQUIRE(page.size() == 3);
#pragma once

#include <exception>
#include <source_location>
#include <string>

namespace eddy::testing {

/// Thrown by EDDY_REQUIRE. The running virtual run fails, even if somebody catches this.
class requirement_failed : public std::exception {
 public:
  requirement_failed(const char* condition, std::source_location where);
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// Throws requirement_failed, and notes it in the running virtual run, unless `holds`.
void require(bool holds, const char* condition,
             std::source_location where = std::source_location::current());

}  // namespace eddy::testing

#define EDDY_REQUIRE(...) ::eddy::testing::require(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__)
