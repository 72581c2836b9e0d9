// One user at a time: how the second reader of a stream gets errc::busy while the first one waits.
#pragma once

#include <string_view>

#include <eddy/base/error.hpp>

namespace eddy::io {

/// Held for the length of one read or write; throws errc::busy, naming `operation`, when `in_use` is held already.
class exclusive {
 public:
  exclusive(bool& in_use, std::string_view operation) : in_use_(in_use) {
    if (in_use_) throw_error(errc::busy, operation);
    in_use_ = true;
  }
  exclusive(const exclusive&) = delete;
  exclusive& operator=(const exclusive&) = delete;
  ~exclusive() { in_use_ = false; }

 private:
  bool& in_use_;
};

}  // namespace eddy::io
