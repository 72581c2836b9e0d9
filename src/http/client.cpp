#include <eddy/http/client.hpp>

#include "client_session.hpp"

#include <utility>

#include <eddy/http/json.hpp>

namespace eddy::http {

request_spec& request_spec::set_body(std::string content, std::string_view type) {
  body = std::move(content);
  stream.reset();
  fields.set("Content-Type", type);
  return *this;
}

request_spec& request_spec::set_json(const boost::json::value& content) {
  return set_body(to_json(content), content_type::json);
}

request_spec& request_spec::set_stream(streamed_body content, std::string_view type) {
  stream = std::move(content);
  body.clear();
  fields.set("Content-Type", type);
  return *this;
}

client::client(const client_options& options)
    : session_(std::make_shared<detail::client_session>(options)) {}
client::~client() { close(); }

client& client::use(client_hook hook) {
  session_->hooks.push_back(std::move(hook));
  return *this;
}

task<client_response> client::request(request_spec spec) {
  return detail::client_session::request(session_, std::move(spec));
}

task<client_upgrade> client::upgrade(request_spec spec, std::string protocol) {
  return detail::client_session::upgrade(session_, std::move(spec), std::move(protocol));
}

task<client_response> client::get(std::string url) {
  return request(request_spec("GET", std::move(url)));
}

task<client_response> client::head(std::string url) {
  return request(request_spec("HEAD", std::move(url)));
}

task<client_response> client::post(std::string url, std::string body, std::string content_type) {
  request_spec spec("POST", std::move(url));
  spec.set_body(std::move(body), content_type);
  return request(std::move(spec));
}

task<client_response> client::post_json(std::string url, const boost::json::value& body) {
  request_spec spec("POST", std::move(url));
  spec.set_json(body);
  return request(std::move(spec));
}

http::fields& client::default_fields() noexcept { return session_->default_fields; }

void client::close() noexcept { session_->pool->close(); }

client_statistics client::statistics() const noexcept {
  client_statistics figures;
  figures.connections = session_->pool->total();
  figures.idle = session_->pool->idle();
  figures.waiting = session_->pool->waiting();
  figures.connects = session_->counts.connects;
  figures.requests = session_->counts.requests;
  return figures;
}

}  // namespace eddy::http
