// Who a client is, as its TLS certificate says.
#pragma once

#include <optional>

#include <eddy/http/request.hpp>
#include <eddy/tls/certificate.hpp>

namespace eddy::http {

/// The certificate that the client showed when its connection was made; nullopt where it showed none, or came without
/// TLS. What the server asks for is in tls::server_options: the handshake has checked whatever is given here. Behind a
/// proxy that ends TLS it is the proxy's. While the request is answered; each call makes the value anew.
[[nodiscard]] std::optional<tls::certificate> client_certificate(const request& r);

}  // namespace eddy::http
