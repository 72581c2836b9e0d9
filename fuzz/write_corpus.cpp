// Writes inputs of the tests, and others to begin with, as seeds: write_corpus <folder> makes <folder>/<target> for
// every fuzz target.
#include "http/http2_frames.hpp"
#include "wire/http1_cases.hpp"

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <eddy/http/content_coding.hpp>
#include <eddy/wire/websocket.hpp>

namespace {

using namespace std::string_literals;

class corpus {
 public:
  corpus(const std::filesystem::path& root, std::string_view target) : folder_(root / target) {
    std::filesystem::create_directories(folder_);
  }
  void add(std::string_view bytes) {
    std::ofstream out(folder_ / std::to_string(count_++), std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::filesystem::path folder_;
  std::size_t count_ = 0;
};

std::string websocket_frame(eddy::wire::websocket::opcode code, std::string_view payload,
                            bool final, bool compressed) {
  std::string out;
  const auto content = std::as_bytes(std::span(payload));
  eddy::wire::websocket::write_frame(out, {.code = code, .final = final, .compressed = compressed},
                                     content);
  return out;
}

void write_websocket_seeds(corpus& seeds) {
  using eddy::wire::websocket::opcode;
  const std::string fragments = websocket_frame(opcode::text, "k\xc3", false, false) +
                                websocket_frame(opcode::ping, "p", true, false) +
                                websocket_frame(opcode::continuation, "\xb6nnen", true, false);
  const std::string goodbye = websocket_frame(
      opcode::close, eddy::wire::websocket::close_payload(1001, "bye"), true, false);
  seeds.add(std::string("\x01\x00", 2) + fragments + goodbye);
  seeds.add("\x10\x02" + websocket_frame(opcode::text, "\xf2\x48\xcd\xc9\xc9\x07", false, true) +
            websocket_frame(opcode::continuation, std::string_view("\0", 1), true, false) +
            goodbye);
  seeds.add("\x20\x04" + std::string(300, 'x'));
  seeds.add("\x20\x06" + std::string(300, 'x'));
  seeds.add("\x04\x08permessage-deflate; server_max_window_bits=10; client_max_window_bits");
  seeds.add("\x04\x18permessage-deflate; server_no_context_takeover, x; y=\"z\"");
  seeds.add(std::string("\x02\x01\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 13));
}

void write_http2_seeds(corpus& seeds) {
  using namespace eddy::http::test;
  const auto add = [&](const std::string& bytes) { seeds.add('\x10' + bytes); };
  add(h2_get(1) + h2_get(3, "/slow") + h2_reset(3) + h2_get(5, "/stream"));
  add(h2_post(1) + h2_data(1, "abc", false) + h2_data(1, "def"));
  add(h2_post(1, "/echo", {{"content-length", "3"}, {"expect", "100-continue"}}) +
      h2_data(1, "abc"));
  add(h2_settings(h2_setting(4, 3)) + h2_get(1) + h2_update(1, 1) + h2_update(0, 100) + h2_ping());
  const std::string block = hpack(h2_request("GET", "/"));
  add(h2_bytes(h2::headers, 1, 1, block.substr(0, 9)) +
      h2_bytes(h2::continuation, 4, 1, block.substr(9)));
  add(h2_post(1) + h2_data(1, "x", false) + h2_bytes(h2::headers, 5, 1, hpack({{"x-sum", "1"}})));
  add(h2_bytes(h2::priority, 0, 1, "12345") + h2_bytes(h2::goaway, 0, 0, std::string(8, '\0')));
  add(h2_bytes(h2::headers, 5, 1, "\x82\x86\x84\x41\x01h"));
}

void write_chunked_seeds(corpus& seeds) {
  seeds.add(
      "\x03"
      "5\r\nhello\r\n0\r\n\r\n");
  seeds.add(
      "\x01"
      "a;x=y; z=\"q\\\"\"\r\n0123456789\r\n00\r\nX-Sum: 1\r\nETag: \"a\"\r\n\r\n");
  seeds.add(
      "\x07"
      "FFFFFFFFFFFFFFFF\r\nx");
  seeds.add(
      "\x02"
      "1\r\nx\r\n0\r\nContent-Length: 5\r\n\r\n");
}

void write_url_seeds(corpus& seeds) {
  seeds.add("http://Example.org:80/a/../b?x#top\n../c d?e");
  seeds.add("https://[::1]:8443/%7euser/%2e%2e/x\n//other.example:443/./y");
  seeds.add("http://127.0.0.1\n?q=1");
  seeds.add("http://h/a/b;p?q\n\thttps:\\\\h\\x\n");
  seeds.add("http://h/a/b\njavascript:alert(1)");
  seeds.add("http://user:pw@h:70000/\n#only");
}

void write_cookie_seeds(corpus& seeds) {
  seeds.add("a=b; Path=/a; Domain=.example.org; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
  seeds.add("__Host-x=\"1\"; Secure; Path=/\nb=2; Expires=Sun, 06 Nov 2094 08:49:37 GMT");
  seeds.add("=; domain=org; max-age=-1\n\n;");
}

void write_proxy_seeds(corpus& seeds) {
  const std::string mark = "\r\n\r\n\0\r\nQUIT\n"s;
  seeds.add("PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nGET /");
  seeds.add("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
  seeds.add("PROXY UNKNOWN\r\n");
  seeds.add(mark + "\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\0\x50"s);
  seeds.add(mark + "\x21\x21\0\x29"s + std::string(36, '\1') + "\x03\0\x02xy"s);
  seeds.add(mark + "\x20\0\0\0"s);
}

void write_scrape_seeds(corpus& pages, corpus& robots) {
  pages.add(
      "http://h/d/\n<html><head><meta charset=iso-8859-1><base href=/x/><title>t\xe4</title>"
      "<meta name=robots content=nofollow></head><body><a href='../y'>l</a><img src=//o/i></body>");
  pages.add("http://h/\n\xff\xfe<\0a\0>\0"s);
  robots.add(
      "User-agent: *\nDisallow: /a*b$\nAllow: /%7e\nCrawl-delay: 1.5\n\nUser-agent: fuzzbot\n"
      "User-Agent: other\nDisallow: /x\nSitemap: http://h/s.xml\n/x/y");
  robots.add(
      "<?xml version='1.0'?><urlset xmlns='s'><url><loc>http://h/a&amp;b</loc>"
      "<lastmod>2024-01-02</lastmod></url><url><loc><![CDATA[http://h/c]]></loc></url></urlset>");
  robots.add("<sitemapindex><sitemap><loc>http://h/1.xml</loc></sitemap></sitemapindex>");
  robots.add("http://h/a\nhttp://h/b\n");
}

// The second byte makes pieces; the first chooses among identity, deflate, gzip, br, zstd as they are numbered.
void write_coding_seeds(corpus& seeds) {
  using eddy::http::content_coding;
  const std::string text = "hello hello hello " + std::string(100, 'x');
  for (int i = 0; i < 5; ++i) {
    const std::string choice{static_cast<char>(i), '\x05'};
    seeds.add(choice + text);
    seeds.add(choice + eddy::http::encode_whole(static_cast<content_coding>(i), text));
  }
}

void write_http1_seeds(const char* root) {
  namespace test = eddy::wire::http1::test;
  corpus requests(root, "http1_request");
  corpus targets(root, "http1_target");
  corpus responses(root, "http1_response");
  corpus compared(root, "http1_beast");
  const auto add_request = [&](const std::string& bytes) {
    if (bytes.size() > 4096) return;
    requests.add('\x10' + bytes);
    compared.add('\x10' + bytes);
    const std::size_t begin = bytes.find(' ');
    if (begin == std::string::npos) return;
    targets.add('\x01' + bytes.substr(begin + 1, bytes.find(' ', begin + 1) - begin - 1));
  };
  const auto add_response = [&](const std::string& bytes) {
    if (bytes.size() > 4096) return;
    responses.add("\x10\x01" + bytes);
    compared.add('\x01' + bytes);
  };
  for (const auto& good : test::accepted_requests()) add_request(good.bytes);
  for (const auto& bad : test::refused_requests()) add_request(bad.bytes);
  for (const auto& good : test::accepted_responses()) add_response(good);
  for (const auto& bad : test::refused_responses()) add_response(bad.bytes);
  targets.add("\x01Sun, 06 Nov 1994 08:49:37 GMT");
  targets.add("\x01Sunday, 06-Nov-94 08:49:37 GMT");
  targets.add("\x01Sun Nov  6 08:49:37 1994");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_corpus <folder>\n");
    return 2;
  }
  write_http1_seeds(argv[1]);

  corpus forms(argv[1], "multipart");
  forms.add(
      "\x07--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b \r\n\r\n\r\n--b--end");
  forms.add("\x01text\r\n--b\r\n\r\n\r\n--\r--b\r\n-\r\n--b--");
  forms.add(
      "\x10"
      "form-data; name=\"a%22\"; filename=\"C:\\x\\\"\"; filename*=UTF-8''%c3%a4");
  corpus events(argv[1], "sse");
  events.add("\x03\xef\xbb\xbfid: 7\r\nevent: x\rdata: a\ndata: b\n\n:c\n\nretry: 10\n\n");

  corpus websockets(argv[1], "websocket");
  corpus http2(argv[1], "http2_server");
  write_http2_seeds(http2);
  write_websocket_seeds(websockets);

  corpus chunked(argv[1], "http1_chunked");
  write_chunked_seeds(chunked);
  corpus client_urls(argv[1], "http_url");
  write_url_seeds(client_urls);
  corpus links(argv[1], "scrape_url");
  write_url_seeds(links);
  corpus cookies(argv[1], "cookies");
  write_cookie_seeds(cookies);
  corpus proxies(argv[1], "proxy_protocol");
  write_proxy_seeds(proxies);
  corpus pages(argv[1], "scrape_page");
  corpus robots(argv[1], "scrape_robots");
  write_scrape_seeds(pages, robots);
  corpus codings(argv[1], "content_coding");
  write_coding_seeds(codings);
}
