// From OpenSSL's reasons to tls::errc.
#pragma once

#include "openssl.hpp"

#include <string>

#include <eddy/tls/error.hpp>

namespace eddy::tls::detail {

/// The error for the call on `ssl` that just failed on this thread. Empties OpenSSL's error queue.
[[nodiscard]] tls_error failure_of(const SSL& ssl, std::string operation, std::string peer);

}  // namespace eddy::tls::detail
