#include "serve.hpp"

#include "progress.hpp"

#include <cstdio>

#include <eddy/base/error.hpp>
#include <eddy/http/server.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/web/static_files.hpp>

namespace command {

eddy::task<int> serve(serve_options options) {
  if (!options.certificate.empty()) eddy::throw_error(eddy::errc::unsupported, "serve: TLS");
  eddy::web::static_options how;
  how.listing = options.listing;
  auto files = co_await eddy::web::static_files::open(options.folder, how);
  eddy::http::server app;
  app.get("/{path...}", files);

  const auto addresses = co_await eddy::net::resolve(options.host, options.port);
  eddy::net::tcp_listener listener = eddy::net::tcp_listener::listen(addresses.front());
  write_line("serving " + options.folder + " on http://" + listener.local().to_string() + "/");
  co_await app.serve(listener);
  co_return 0;
}

}  // namespace command
