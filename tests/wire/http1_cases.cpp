#include "http1_cases.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

namespace eddy::wire::http1::test {
namespace {

using namespace std::string_literals;

// Followed in every refused stream by a request that must never be served.
const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

class request_table {
 public:
  // A whole start of a stream.
  void raw(errc why, std::string bytes) { cases_.push_back({std::move(bytes) + smuggled, why}); }
  // Field lines after a good POST line and Host.
  void post(errc why, const std::string& lines, const std::string& body = "") {
    raw(why, "POST /p HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n" + body);
  }
  void get(errc why, const std::string& lines) {
    raw(why, "GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n");
  }
  void chunks(errc why, const std::string& body) {
    post(why, "Transfer-Encoding: chunked\r\n", body);
  }
  void target(errc why, const std::string& text, const std::string& verb = "GET") {
    raw(why, verb + " " + text + " HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  void host(errc why, const std::string& lines) { raw(why, "GET / HTTP/1.1\r\n" + lines + "\r\n"); }

  std::vector<refused_case> take() { return std::move(cases_); }

 private:
  std::vector<refused_case> cases_;
};

void add_framing(request_table& t) {
  const std::string chunks = "5\r\nhello\r\n0\r\n\r\n";
  t.post(errc::framing_conflict, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks);
  t.post(errc::framing_conflict, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks);
  t.post(errc::framing_conflict, "transfer-encoding: Chunked\r\nA: b\r\nCONTENT-LENGTH: 0\r\n",
         chunks);
  t.post(errc::bad_content_length, "Content-Length: 5\r\nContent-Length: 6\r\n", "hello!");
  t.post(errc::bad_content_length, "Content-Length: 5\r\nContent-Length: 5\r\n", "hello");
  for (const char* value : {"+5",
                            "-5",
                            "0x5",
                            "5 5",
                            "",
                            "5, 6",
                            "5, 5",
                            "5,",
                            ",5",
                            "18446744073709551616",
                            "99999999999999999999",
                            "184467440737095516150",
                            "5;",
                            "5.0",
                            "5e1",
                            "\"5\"",
                            "five",
                            "5_0",
                            "\xd9\xa5",
                            "\xef\xbc\x95",
                            "5\t5",
                            "NaN",
                            "--5",
                            "00x1"}) {
    t.post(errc::bad_content_length, "Content-Length: "s + value + "\r\n", "hello");
  }
  for (const char* value :
       {"xchunked", "chunkedx", "chunked, identity", "chunked, chunked", "identity", "",
        "chunked, gzip", "gzip", "identity, chunked", "chunked;q=1", "\"chunked\"", "chunked ,",
        ", chunked", "chunke d", "chun\tked", "chunked,", ",", "gzip;, chunked", "cow"}) {
    t.post(errc::bad_transfer_encoding, "Transfer-Encoding: "s + value + "\r\n", chunks);
    t.post(errc::bad_transfer_encoding,
           "Content-Length: 5\r\nTransfer-Encoding: "s + value + "\r\n", chunks);
  }
  t.post(errc::unsupported_transfer_encoding, "Transfer-Encoding: gzip, chunked\r\n", chunks);
  t.post(errc::unsupported_transfer_encoding, "Transfer-Encoding: deflate , CHUNKED\r\n", chunks);
  t.post(errc::bad_transfer_encoding,
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks);
  t.post(errc::bad_transfer_encoding,
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunks);
  t.post(errc::bad_transfer_encoding, "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n",
         chunks);
  t.raw(errc::bad_transfer_encoding,
        "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks);
  t.raw(errc::bad_transfer_encoding,
        "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello");
}

void add_field_syntax(request_table& t) {
  for (const char* lines :
       {"A: b\r\n c\r\n", "A: b\r\n\tc\r\n", "A:\r\n b\r\n", "Transfer-Encoding:\r\n chunked\r\n",
        "A: b\r\n \r\n", "A: b\r\nTransfer-Encoding: x\r\n ,chunked\r\n"}) {
    t.get(errc::obsolete_fold, lines);
  }
  t.raw(errc::obsolete_fold, "GET / HTTP/1.1\r\n Host: h\r\n\r\n");
  t.raw(errc::obsolete_fold, "GET / HTTP/1.1\r\n\tHost: h\r\n\r\n");
  for (const std::string& lines :
       {"A : b\r\n"s, "A\t: b\r\n"s, "Content-Length : 5\r\n"s, "Transfer-Encoding : chunked\r\n"s,
        ": b\r\n"s, "no colon\r\n"s, "A\tB: c\r\n"s, "A\x01: b\r\n"s, "A\0: b\r\n"s, "A(: b\r\n"s,
        "\"A\": b\r\n"s, "A\xe9: b\r\n"s, "A/b: c\r\n"s, "A@: c\r\n"s, "[A]: c\r\n"s,
        "A\x7f: c\r\n"s, "word\r\n"s, "\0: c\r\n"s, "\vHost: c\r\n"s}) {
    t.get(errc::bad_field_name, lines);
  }
  for (const std::string& lines : {"A: b\0c\r\n"s, "A: \0\r\n"s, "A: b\x01\r\n"s, "A: b\x7f\r\n"s,
                                   "A: b\x1b[0m\r\n"s, "A: \v\r\n"s, "A: b\fc\r\n"s,
                                   "Transfer-Encoding: \vchunked\r\n"s, "A: 12345678\x08 2\r\n"s}) {
    t.get(errc::bad_field_value, lines);
  }
  for (const char* lines :
       {"A: b\rc\r\n", "A:\r\r\n", "A: \r\r\n", "A: b\r\r\n", "A: b\n", "A:\n", "A: b\nB: c\r\n",
        "A: b\rTransfer-Encoding: chunked\r\n", "\n", "A: \rb\r\n", "\r: c\r\n", "A\r: c\r\n"}) {
    t.get(errc::bad_line_end, lines);
  }
  t.raw(errc::bad_line_end, "GET / HTTP/1.1\nHost: h\n\n");
  t.raw(errc::bad_line_end, "GET / HTTP/1.1\nHost: h\r\n\r\n");
  t.raw(errc::bad_line_end, "GET / HTTP/1.1\r\nHost: h\n\r\n");
  t.raw(errc::bad_line_end, "GET / HTTP/1.1\r\nHost: h\r\n\n");
  t.raw(errc::bad_line_end, "GET / HTTP/1.1\r\nHost: h\r\n\rX\r\n");
}

void add_chunks(request_table& t) {
  for (const std::string& body :
       {"0x5\r\nhello\r\n0\r\n\r\n"s, "+5\r\nhello\r\n0\r\n\r\n"s, "-5\r\nhello\r\n0\r\n\r\n"s,
        " 5\r\nhello\r\n0\r\n\r\n"s, "5 \r\nhello\r\n0\r\n\r\n"s, "1_0\r\nhello\r\n0\r\n\r\n"s,
        "\r\nhello\r\n0\r\n\r\n"s, ";a\r\nhello\r\n0\r\n\r\n"s, "5\t\r\nhello\r\n0\r\n\r\n"s,
        "5 ;a\r\nhello\r\n0\r\n\r\n"s, "g\r\nhello\r\n0\r\n\r\n"s, "5,5\r\nhello\r\n0\r\n\r\n"s,
        "10000000000000005\r\nhello\r\n0\r\n\r\n"s, "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"s,
        "00000000000000005\r\nhello\r\n0\r\n\r\n"s, "\n5\r\nhello\r\n0\r\n\r\n"s,
        "5\0\r\nhello\r\n0\r\n\r\n"s, "\xef\xbc\x95\r\nhello\r\n0\r\n\r\n"s,
        "5\r\nhello\r\n\r\n0\r\n\r\n"s}) {
    t.chunks(errc::bad_chunk_size, body);
  }
  for (const char* body : {"5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n",
                           "5\r\rhello\r\n0\r\n\r\n", "0\n\n", "0\r\n\n", "0\n\r\n", "0\r\n\rX",
                           "0\r\nA: b\n\r\n", "0\r\nA: b\r\n\n", "5;a=b\rhello\r\n0\r\n\r\n"}) {
    t.chunks(errc::bad_line_end, body);
  }
  for (const std::string& body :
       {"5;\r\nhello\r\n0\r\n\r\n"s, "5;a\nhello\r\n0\r\n\r\n"s, "5;a=\r\nhello\r\n0\r\n\r\n"s,
        "5;a=b;\r\nhello\r\n0\r\n\r\n"s, "5;=b\r\nhello\r\n0\r\n\r\n"s,
        "5;a=b=c\r\nhello\r\n0\r\n\r\n"s, "5;a=\"b\r\nhello\r\n0\r\n\r\n"s,
        "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"s, "5;a b\r\nhello\r\n0\r\n\r\n"s,
        "5;a\0\r\nhello\r\n0\r\n\r\n"s, "5; \r\nhello\r\n0\r\n\r\n"s,
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"s, "5;\"a\"\r\nhello\r\n0\r\n\r\n"s,
        "5;a=\"\\\n\"\r\nhello\r\n0\r\n\r\n"s, "0;\n\r\n"s}) {
    t.chunks(errc::bad_chunk_extension, body);
  }
  t.chunks(errc::chunk_extension_too_long,
           "5;a=" + std::string(300, 'x') + "\r\nhello\r\n0\r\n\r\n");
  t.chunks(errc::chunk_extension_too_long, "5;" + std::string(100000, 'a'));
  std::string many;
  for (int i = 0; i < 200; ++i) many += "1;a=" + std::string(200, 'x') + "\r\ny\r\n";
  t.chunks(errc::chunk_extension_too_long, many + "0\r\n\r\n");
  for (const char* body :
       {"5\r\nhello!\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n", "5\r\nhelloworld\r\n0\r\n\r\n", "1\r\nab\r\n0\r\n\r\n"}) {
    t.chunks(errc::bad_chunk_end, body);
  }
  for (const char* name :
       {"Content-Length", "Transfer-Encoding", "Host", "authorization", "Proxy-Authorization",
        "Cookie", "SET-COOKIE", "X-Forwarded-For", "Forwarded", "Connection", "Trailer", "TE",
        "Content-Type", "Content-Encoding", "Cache-Control", "Expect", "Upgrade", "Location",
        "Via"}) {
    t.chunks(errc::forbidden_trailer, "5\r\nhello\r\n0\r\n"s + name + ": 5\r\n\r\n");
    t.chunks(errc::forbidden_trailer, "0\r\nX-Ok: 1\r\n"s + name + ": x\r\n\r\n");
  }
  // The first fault decides, not the one that a larger read happens to show as well.
  t.chunks(errc::forbidden_trailer, "0\r\nHost: h\r\n\r\xf9");
  t.chunks(errc::forbidden_trailer, "0\r\nHost: h\r\nno colon\r\n\r\n");
  t.chunks(errc::obsolete_fold, "0\r\nA: b\r\n c\r\n\r\n");
  t.chunks(errc::obsolete_fold, "0\r\n A: b\r\n\r\n");
  t.chunks(errc::bad_field_name, "0\r\nA : b\r\n\r\n");
  t.chunks(errc::bad_field_name, "0\r\nno colon\r\n\r\n");
  t.chunks(errc::bad_field_value, "0\r\nA: b\0c\r\n\r\n"s);
  t.chunks(errc::trailers_too_large, "0\r\nA: " + std::string(9000, 'x') + "\r\n\r\n");
  t.chunks(errc::trailers_too_large, "0\r\nA: " + std::string(9000, 'x'));
  std::string trailers;
  for (int i = 0; i < 33; ++i) trailers += "A: b\r\n";
  t.chunks(errc::trailers_too_large, "0\r\n" + trailers + "\r\n");
}

void add_request_lines(request_table& t) {
  const std::string host = "\r\nHost: h\r\n\r\n";
  for (const char* line :
       {"GET /",           "GET /index.html",   "GET / ",          "GET / http/1.1",
        "GET / HTTP/1.10", "GET / HTTP/1",      "GET / HTTP/1.",   "GET / HTTP/.1",
        "GET / HTTP/11",   "GET / HTTP/01.1",   "GET / HTTP/1.1 ", "GET / HTTP/1.1\t",
        "GET / HTTP /1.1", "GET /a b HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/-1.1",
        "GET / HTTP/1,1",  "GET / HTTPS/1.1",   "GET / ICE/1.0",   "GET / HTTP/1.1 x",
        "GET / HTTP/1.1\v"}) {
    t.raw(errc::bad_version, line + host);
  }
  for (const char* line : {"GET / HTTP/9.9", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1.2",
                           "PRI * HTTP/2.0", "GET / HTTP/0.1", "GET / HTTP/3.0"}) {
    t.raw(errc::unsupported_version, line + host);
  }
  for (const char* line : {"GET  / HTTP/1.1", " GET / HTTP/1.1", "GET ", "\tGET / HTTP/1.1",
                           "{} / HTTP/1.1", "\"GET\" / HTTP/1.1", "\r\n\r\nGET / HTTP/1.1",
                           "\nGET / HTTP/1.1", "\rGET / HTTP/1.1", "\xc3\xa9 / HTTP/1.1"}) {
    t.raw(errc::bad_request_line, line + host);
  }
  for (const std::string& line :
       {"GET\t/ HTTP/1.1"s, "GE(T / HTTP/1.1"s, "G\xc9T / HTTP/1.1"s, "GET"s, "GET\0 / HTTP/1.1"s,
        "GET: / HTTP/1.1"s, "GE\x01T / HTTP/1.1"s, "G@T / HTTP/1.1"s}) {
    t.raw(errc::bad_method, line + host);
  }
  t.raw(errc::bad_target, "GET /\tHTTP/1.1" + host);
  t.raw(errc::target_too_long, "GET /" + std::string(8192, 'a') + " HTTP/1.1" + host);
  t.raw(errc::target_too_long, "GET /" + std::string(20000, 'a') + " HTTP/1.1" + host);
  t.raw(errc::target_too_long, std::string(9000, 'A'));
  t.raw(errc::head_too_large,
        "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(33000, 'a') + "\r\n\r\n");
  std::string long_head = "GET / HTTP/1.1\r\nHost: h\r\n";
  while (long_head.size() < 33000) long_head += "A: " + std::string(1000, 'b') + "\r\n";
  t.raw(errc::head_too_large, long_head + "\r\n");
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  t.raw(errc::too_many_fields, many + "\r\n");
}

// The words of a text separated by single spaces.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t space = text.find(' ');
    words.emplace_back(text.substr(0, space));
    if (space == std::string_view::npos) return words;
    text.remove_prefix(space + 1);
  }
}

const std::string_view unsafe_targets =
    "/a#b /# /a?b#c /a\x01 /\x7f /caf\xc3\xa9 /\xff /a\\b \\ /..\\x /%00 /a%00b /?a=%00 "
    "/% /%2 /%zz /%2g /a?b=% /?%4 /%c0%ae%c0%ae/ /%c0%af /%e0%80%af /%f0%80%80%af "
    "/%ed%a0%80 /%ff /%c3 /%f4%90%80%80 /%80 /?a=%c0%af /?a=%ff /%c3/%a9 /.. /../x "
    "/a/../.. /a/../../b /%2e%2e /%2e%2E/x /.%2e/ /a/%2e%2e/%2e%2e/b /a//../b //.. "
    "/a%2fb /a%2Fb /..%2fx /%5c /..%5c..%5cx /%0a /%0d%0aX:1 /%7f /a\"b /<x> /{x} /` x "
    "a/b */ ?x * h h:80 example.com http:/x http:x http:///x http:// http: ://h/ "
    "ftp://h/ urn:a:b file:///etc/passwd http://u@h/ http://u:p@h/ http://h:99999/ "
    "http://h:x/ http://[::1/ http://[x]/ http://h\\x/ http://h#f http://h/../x "
    "http://h?%00 httpx://h/ http://h%41/ //..//x /a/./../..";

void add_targets(request_table& t) {
  for (const auto& text : split(unsafe_targets)) t.target(errc::bad_target, text);
  for (const auto& text : split("/ h h: http://h:80/ * h:80/x u@h:80 h:70000 :80 [::1] h:80?x")) {
    t.target(errc::bad_target, text, "CONNECT");
  }
  t.target(errc::bad_target, "*", "POST");
  t.target(errc::bad_target, "*", "options");
  t.target(errc::bad_target, "**", "OPTIONS");
  t.target(errc::bad_target, "*?a", "OPTIONS");
}

void add_hosts(request_table& t) {
  t.host(errc::missing_host, "");
  t.host(errc::missing_host, "A: b\r\n");
  t.raw(errc::missing_host, "GET http://h/ HTTP/1.1\r\n\r\n");
  t.raw(errc::missing_host, "OPTIONS * HTTP/1.1\r\n\r\n");
  for (const char* lines : {"Host: a\r\nHost: b\r\n",
                            "Host: a\r\nHost: a\r\n",
                            "Host: a\r\nhOST: b\r\n",
                            "Host:\r\n",
                            "Host: \r\n",
                            "Host: a b\r\n",
                            "Host: a,b\r\n",
                            "Host: a/b\r\n",
                            "Host: http://a\r\n",
                            "Host: u@a\r\n",
                            "Host: a:b\r\n",
                            "Host: a:99999\r\n",
                            "Host: a:80:80\r\n",
                            "Host: [::1\r\n",
                            "Host: ::1\r\n",
                            "Host: []\r\n",
                            "Host: [1:2]\r\n",
                            "Host: [::1]x\r\n",
                            "Host: a?b\r\n",
                            "Host: a#b\r\n",
                            "Host: \xc3\xa9\r\n",
                            "Host: a%00\r\n",
                            "Host: :80\r\n",
                            "Host: a\tb\r\n",
                            "Host: a\\b\r\n",
                            "Host: <a>\r\n",
                            "Host: [fe80::1%25eth0]\r\n",
                            "Host: a;b\r\n"}) {
    t.host(errc::bad_host, lines);
  }
  t.raw(errc::bad_host, "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n");
  t.raw(errc::bad_host, "GET http://h/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
  t.raw(errc::bad_host, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n");
  t.raw(errc::bad_host, "GET / HTTP/1.0\r\nHost:\r\n\r\n");
  t.raw(errc::bad_host, "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n");
  for (const char* value : {"101-continue", "100-continue, x", "x", "100-continue;a",
                            "\"100-continue\"", "100 continue", "200-ok"}) {
    t.post(errc::unknown_expectation, "Expect: "s + value + "\r\nContent-Length: 5\r\n", "hello");
  }
  t.post(errc::unknown_expectation, "Expect: 100-continue\r\nExpect: y\r\nContent-Length: 5\r\n",
         "hello");
}

}  // namespace

std::vector<refused_case> refused_requests() {
  request_table table;
  add_framing(table);
  add_field_syntax(table);
  add_chunks(table);
  add_request_lines(table);
  add_targets(table);
  add_hosts(table);
  return table.take();
}

std::vector<accepted_case> accepted_requests() {
  const std::string host = "Host: example.org\r\n";
  std::vector<accepted_case> cases;
  const auto add = [&cases](std::string bytes, std::string verb, std::string authority,
                            std::string path, std::string body = "") {
    cases.push_back({std::move(bytes), std::move(verb), std::move(authority), std::move(path),
                     std::move(body)});
  };
  add("GET / HTTP/1.1\r\n" + host + "\r\n", "GET", "example.org", "/");
  add("\r\nGET / HTTP/1.1\r\n" + host + "\r\n", "GET", "example.org", "/");
  add("GET /a/b%20c?x=1&y=%26 HTTP/1.1\r\n" + host + "\r\n", "GET", "example.org", "/a/b c");
  add("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "", "/");
  add("BREW /pot HTTP/1.1\r\n" + host + "\r\n", "BREW", "example.org", "/pot");
  add("get / HTTP/1.1\r\n" + host + "\r\n", "get", "example.org", "/");
  add("GET http://other.org:81/x HTTP/1.1\r\n" + host + "\r\n", "GET", "other.org:81", "/x");
  add("GET HTTPS://other.org HTTP/1.1\r\nHost:\r\n\r\n", "GET", "other.org", "/");
  add("GET http://other.org?q HTTP/1.1\r\n" + host + "\r\n", "GET", "other.org", "/");
  add("OPTIONS * HTTP/1.1\r\n" + host + "\r\n", "OPTIONS", "example.org", "*");
  add("OPTIONS http://other.org HTTP/1.1\r\n" + host + "\r\n", "OPTIONS", "other.org", "*");
  add("OPTIONS /a HTTP/1.1\r\n" + host + "\r\n", "OPTIONS", "example.org", "/a");
  add("CONNECT db.example.org:443 HTTP/1.1\r\n" + host + "\r\n", "CONNECT", "db.example.org:443",
      "");
  add("GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n", "GET", "[2001:db8::1]:8080", "/");
  add("GET / HTTP/1.1\r\nHost: a_b.c-d~e:\r\n\r\n", "GET", "a_b.c-d~e:", "/");
  add("GET / HTTP/1.1\r\nhOsT:\t example.org \t\r\nEmpty:\r\nTabbed: a\tb\r\nLatin: \xe9\r\n\r\n",
      "GET", "example.org", "/");
  add("!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" + host + "!#$%&'*+-.^_`|~: v\r\n\r\n", "!#$%&'*+-.^_`|~",
      "example.org", "/");
  add("POST /p HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello", "POST", "example.org", "/p",
      "hello");
  add("POST /p HTTP/1.1\r\n" + host + "Content-Length: 0005\r\n\r\nhello", "POST", "example.org",
      "/p", "hello");
  add("PUT /p HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", "PUT", "example.org", "/p");
  add("POST /p HTTP/1.0\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\nhello", "POST", "",
      "/p", "hello");
  const std::string chunked = "POST /p HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n";
  const auto add_chunks = [&](const std::string& body, const std::string& data) {
    add(chunked + body, "POST", "example.org", "/p", data);
  };
  add_chunks("5\r\nhello\r\n0\r\n\r\n", "hello");
  add_chunks("0\r\n\r\n", "");
  add_chunks("1\r\nh\r\n04\r\nello\r\n00\r\n\r\n", "hello");
  add_chunks("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789");
  add_chunks("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello");
  add_chunks("5;a\r\nhello\r\n0;last\r\n\r\n", "hello");
  add_chunks("5;a=b;c=\"d;\\\"e\";f\r\nhello\r\n0\r\n\r\n", "hello");
  add_chunks("5; a = b ; c\r\nhello\r\n0\r\n\r\n", "hello");
  add_chunks("5\r\nhello\r\n0\r\nX-Checksum: 42\r\nServer-Timing: db\r\n\r\n", "hello");
  add_chunks("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n");
  add("POST /p HTTP/1.1\r\n" + host + "TRANSFER-ENCODING:cHuNkEd \r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "POST", "example.org", "/p", "hello");
  add("POST /p HTTP/1.1\r\n" + host + "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello",
      "POST", "example.org", "/p", "hello");
  add("GET / HTTP/1.0\r\nExpect: nonsense\r\nConnection: keep-alive\r\n\r\n", "GET", "", "/");
  add("GET /chat HTTP/1.1\r\n" + host +
          "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "GET", "example.org", "/chat");
  add("GET /" + std::string(8191, 'a') + " HTTP/1.1\r\n" + host + "\r\n", "GET", "example.org",
      "/" + std::string(8191, 'a'));
  std::string many = "GET / HTTP/1.1\r\n" + host;
  for (int i = 0; i < 99; ++i) many += "A: b\r\n";
  add(many + "\r\n", "GET", "example.org", "/");
  return cases;
}

std::vector<refused_case> refused_responses() {
  std::vector<refused_case> cases;
  const auto add = [&cases](errc why, std::string bytes) {
    cases.push_back({std::move(bytes) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", why});
  };
  for (const char* line :
       {"HTTP/1.1 200", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 X",
        "HTTP/1.1 600 X", "HTTP/1.1 999 X", "HTTP/1.1 +20 X", "HTTP/1.1 2x0 X", "HTTP/1.1 200\tOK",
        "HTTP/1.1 ", "HTTP/1.1", "HTTP/1.1 -10 X", "HTTP/1.1 200 O\x01K", "HTTP/1.1 200 O\rK"}) {
    add(errc::bad_status_line, line + "\r\nContent-Length: 0\r\n\r\n"s);
  }
  add(errc::bad_status_line, "HTTP/1.1 200 O\0K\r\n\r\n"s);
  add(errc::bad_status_line, "\r\nHTTP/1.1 200 OK\r\n\r\n");
  add(errc::bad_status_line, " HTTP/1.1 200 OK\r\n\r\n");
  for (const char* line :
       {"HTTP/1.10 200 OK", "HTTP/1 200 OK", "HTTP/1.1\t200 OK", "HTTPS/1.1 200 OK", "HELLO"}) {
    add(errc::bad_version, line + "\r\n\r\n"s);
  }
  for (const char* line :
       {"HTTP/2.0 200 OK", "HTTP/9.9 200 OK", "HTTP/0.9 200 OK", "HTTP/1.2 200 OK"}) {
    add(errc::unsupported_version, line + "\r\n\r\n"s);
  }
  add(errc::bad_line_end, "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n");
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  add(errc::bad_line_end, ok + "Content-Length: 0\n\r\n");
  add(errc::bad_line_end, ok + "Content-Length: 0\r\n\n");
  add(errc::bad_line_end, ok + "A:\r\r\n\r\n");
  add(errc::obsolete_fold, ok + "A: b\r\n c\r\nContent-Length: 0\r\n\r\n");
  add(errc::obsolete_fold, ok + " A: b\r\nContent-Length: 0\r\n\r\n");
  add(errc::bad_field_name, ok + "A : b\r\nContent-Length: 0\r\n\r\n");
  add(errc::bad_field_name, ok + ": b\r\nContent-Length: 0\r\n\r\n");
  add(errc::bad_field_value, ok + "A: b\0c\r\nContent-Length: 0\r\n\r\n"s);
  for (const char* value : {"+5", "-5", "0x5", "5 5", "", "5, 6", "5, 5", "18446744073709551616"}) {
    add(errc::bad_content_length, ok + "Content-Length: " + value + "\r\n\r\nhello");
  }
  add(errc::bad_content_length, ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!");
  add(errc::framing_conflict,
      ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  add(errc::framing_conflict,
      ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  for (const char* value :
       {"xchunked", "chunked, identity", "chunked, chunked", "identity", "", "gzip"}) {
    add(errc::bad_transfer_encoding, ok + "Transfer-Encoding: " + value + "\r\n\r\n0\r\n\r\n");
  }
  add(errc::unsupported_transfer_encoding,
      ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
  add(errc::bad_transfer_encoding,
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  add(errc::bad_chunk_size, chunked + "0x5\r\nhello\r\n0\r\n\r\n");
  add(errc::bad_chunk_end, chunked + "5\r\nhello!\r\n0\r\n\r\n");
  add(errc::bad_line_end, chunked + "5\nhello\r\n0\r\n\r\n");
  add(errc::bad_line_end, chunked + "0\r\n\n");
  add(errc::forbidden_trailer, chunked + "0\r\nContent-Length: 5\r\n\r\n");
  add(errc::forbidden_trailer, chunked + "0\r\nSet-Cookie: a=b\r\n\r\n");
  add(errc::head_too_large, ok + "A: " + std::string(33000, 'a') + "\r\n\r\n");
  std::string many = ok;
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  add(errc::too_many_fields, many + "\r\n");
  return cases;
}

std::vector<std::string> accepted_responses() {
  return {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 404 Nicht gefunden \xfc\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: "
      "1\r\n\r\n",
      "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\n\r\nuntil the end",
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 201 Created\r\nContent-Length: "
      "1\r\n\r\nb",
  };
}

}  // namespace eddy::wire::http1::test
