// llhttp, the parser of Node, as a second opinion: whatever we accept, it has to read the same way, without any of its
// lenient flags. What it refuses all the same is listed in `known`, with the reason.
#include "peers.hpp"
#include "wire/http1_cases.hpp"
#include "wire/http1_mutator.hpp"
#include "wire/http1_plain.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace eddy::http::test {
namespace {

namespace http1 = wire::http1;
namespace gate = http1::test;

// Reads "Q|R <hex>" lines; says for each the hex of plain_message::text(), or "refused <code>".
constexpr std::string_view script = R"(
const { HTTPParser, allMethods, methods } = process.binding('http_parser');
const verbs = allMethods || methods;
const read = (bytes, response) => {
  const parser = new HTTPParser();
  parser.initialize(response ? HTTPParser.RESPONSE : HTTPParser.REQUEST, {}, 0, HTTPParser.kLenientNone);
  let start, keep, url, done = false;
  const pairs = [], body = [];
  const fields = (list, target) => {
    if (done) return;
    pairs.push(...list);
    url = url || target;
  };
  parser[HTTPParser.kOnHeaders] = fields;
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, list, method, target, status, reason, upgrade, alive) => {
    if (done) return;
    fields(list || [], target);
    start = `${response ? status : `${verbs[method]} ${url}`} ${major}.${minor}`;
    keep = alive;
  };
  parser[HTTPParser.kOnBody] = (piece) => done || body.push(piece.latin1Slice());
  parser[HTTPParser.kOnMessageComplete] = () => { done = true; };
  let outcome = parser.execute(bytes);
  if (!(outcome instanceof Error) && !done) outcome = parser.finish();
  if (!done) return `refused ${outcome instanceof Error ? outcome.code : 'incomplete'}`;
  const lines = [];
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i].replace(/[A-Z]/g, (c) => c.toLowerCase());
    lines.push(Buffer.from(`${name}: ${pairs[i + 1]}`, 'latin1'));
  }
  lines.sort(Buffer.compare);
  const text = [Buffer.from(`${start} ${keep ? 'keep' : 'close'}\n`, 'latin1')];
  for (const line of lines) text.push(line, Buffer.from('\n'));
  text.push(Buffer.from('\n'), Buffer.from(body.join(''), 'latin1'));
  return Buffer.concat(text).toString('hex');
};
const input = require('fs').readFileSync(process.argv[1], 'latin1').split('\n');
for (const line of input) if (line) console.log(read(Buffer.from(line.slice(2), 'hex'), line[0] === 'R'));
)";

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += digits[byte >> 4U];
    hex += digits[byte & 15U];
  }
  return hex;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

struct compared {
  std::string bytes;
  bool response = false;
  gate::plain_message ours;
};

std::vector<std::string> ask_llhttp(const std::vector<compared>& all) {
  const temporary_place place;
  const std::string path = place.path() + "/messages";
  {
    std::ofstream file(path);
    for (const compared& one : all)
      file << (one.response ? "R " : "Q ") << to_hex(one.bytes) << '\n';
  }
  const std::string said =
      output_of({"/usr/bin/timeout", "50", "/usr/bin/node", "--no-deprecation",
                 "--max-http-header-size=65536", "-e", std::string(script), path});
  std::vector<std::string> lines;
  for (std::string_view rest = said; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

struct known_refusal {
  std::string_view code;
  std::string_view needs;  // a field that has to be there
  std::string_view why;
};

// What llhttp refuses and we accept, and why that is right.
constexpr std::array<known_refusal, 3> known{{
    {"HPE_INVALID_METHOD", "", "a method is any token (RFC 9110 section 9.1); llhttp has a list"},
    {"HPE_STRICT", "transfer-encoding", "blanks around ';' and '=' (RFC 9112 section 7.1.1)"},
    {"HPE_INVALID_TRANSFER_ENCODING", "transfer-encoding",
     "a tab behind a value (RFC 9110 section 5.6.3)"},
}};

// A 1xx, 204 or 304 ends with its head, whatever length it names (RFC 9112 section 6.3). Node 18 reads a body all the
// same, which Node 20 does not.
bool names_a_body_it_has_not(const compared& one) {
  const std::string_view status = one.ours.start;
  const bool has_none = one.response && (status.starts_with('1') || status.starts_with("204") ||
                                         status.starts_with("304"));
  return has_none &&
         (one.ours.has_field("content-length") || one.ours.has_field("transfer-encoding"));
}

bool is_known(const compared& one, std::string_view theirs) {
  return names_a_body_it_has_not(one) || std::ranges::any_of(known, [&](const known_refusal& each) {
           return theirs == "refused " + std::string(each.code) &&
                  (each.needs.empty() || one.ours.has_field(each.needs));
         });
}

// What a comparison takes for equal.
std::string expected_text(const compared& one, std::string_view theirs) {
  gate::plain_message message = one.ours;
  const std::string_view start = theirs.substr(0, theirs.find('\n'));
  if (!message.means_keep_alive()) message.keep_alive = start.ends_with(" keep");
  return message.text();
}

// Returns how many were alike.
std::size_t compare(const std::vector<compared>& all) {
  const std::vector<std::string> said = ask_llhttp(all);
  EXPECT_EQ(said.size(), all.size());
  if (said.size() != all.size()) return 0;
  std::size_t alike = 0;
  int shown = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool refused = said[i].starts_with("refused");
    const std::string theirs = refused ? said[i] : from_hex(said[i]);
    if (theirs == expected_text(all[i], theirs)) {
      ++alike;
    } else if (!is_known(all[i], theirs) && ++shown <= 5) {
      ADD_FAILURE() << ::testing::PrintToString(all[i].bytes) << "\nwe read\n"
                    << all[i].ours.text() << "\nllhttp\n"
                    << theirs;
    }
  }
  return alike;
}

void add_request(std::vector<compared>& all, const std::string& bytes) {
  if (auto ours = gate::read_plain_request(bytes)) all.push_back({bytes, false, *std::move(ours)});
}
void add_response(std::vector<compared>& all, const std::string& bytes) {
  if (auto ours = gate::read_plain_response(bytes)) all.push_back({bytes, true, *std::move(ours)});
}

TEST(http1_llhttp, reads_what_we_accept_as_we_do) {
  std::vector<compared> all;
  for (const auto& good : gate::accepted_requests()) add_request(all, good.bytes);
  for (const auto& bytes : gate::accepted_responses()) add_response(all, bytes);
  EXPECT_GT(compare(all), 40U);
}

TEST(http1_llhttp, reads_the_damaged_messages_we_accept_as_we_do) {
  std::vector<std::string> requests;
  for (const auto& good : gate::accepted_requests()) requests.push_back(good.bytes);
  requests = gate::short_ones(requests);
  const std::vector<std::string> responses = gate::short_ones(gate::accepted_responses());
  gate::mutator random(21);
  std::vector<compared> all;
  while (all.size() < 10000) {
    const bool response = random.below(2) == 0;
    const auto& seeds = response ? responses : requests;
    const std::string bytes =
        random.mutate(seeds[random.below(seeds.size())], seeds[random.below(seeds.size())]);
    if (response) {
      add_response(all, bytes);
    } else {
      add_request(all, bytes);
    }
  }
  EXPECT_GT(compare(all), 8000U);
}

}  // namespace
}  // namespace eddy::http::test
