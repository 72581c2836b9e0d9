#include "serve.hpp"

#include "progress.hpp"

#include <cstdio>

#include <eddy/http/server.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/tls/context.hpp>
#include <eddy/web/static_files.hpp>

namespace command {
namespace {

eddy::tls::context context_of(const serve_options& options) {
  eddy::tls::server_options how;
  how.certificates.push_back(eddy::tls::credentials::files(options.certificate, options.key));
  how.alpn = {"h2", "http/1.1"};
  return eddy::tls::context::server(std::move(how));
}

}  // namespace

eddy::task<int> serve(serve_options options) {
  const bool secure = !options.certificate.empty();
  eddy::tls::context context;
  if (secure) context = context_of(options);
  eddy::web::static_options how;
  how.listing = options.listing;
  auto files = co_await eddy::web::static_files::open(options.folder, how);
  eddy::http::server app;
  app.get("/{path...}", files);

  const auto addresses = co_await eddy::net::resolve(options.host, options.port);
  eddy::net::tcp_listener listener = eddy::net::tcp_listener::listen(addresses.front());
  write_line("serving " + options.folder + " on " + (secure ? "https://" : "http://") +
             listener.local().to_string() + "/");
  if (secure) {
    co_await app.serve(listener, context);
  } else {
    co_await app.serve(listener);
  }
  co_return 0;
}

}  // namespace command
