#include <eddy/http/client_certificate.hpp>

#include "incoming_request.hpp"

#include <eddy/tls/stream.hpp>

namespace eddy::http {

std::optional<tls::certificate> client_certificate(const request& r) {
  const tls::stream* over = static_cast<const detail::incoming_request&>(r).secure();
  return over != nullptr ? over->peer_certificate() : std::nullopt;
}

}  // namespace eddy::http
