// The error of a read that the end of the stream cut short.
#pragma once

#include <cstddef>
#include <string>

#include <eddy/base/error.hpp>

namespace eddy::io {

/// errc::incomplete, with what there was. progress() is its size.
class incomplete_error : public error {
 public:
  /// `expected` bytes were asked for; zero: everything up to a separator.
  incomplete_error(std::string operation, std::string partial, std::size_t expected);

  /// The bytes that arrived before the end; they are no longer in the reader.
  [[nodiscard]] const std::string& partial() const noexcept { return partial_; }
  /// How many bytes were asked for; zero when it was everything up to a separator.
  [[nodiscard]] std::size_t expected() const noexcept { return expected_; }

 private:
  std::string partial_;
  std::size_t expected_;
};

}  // namespace eddy::io
