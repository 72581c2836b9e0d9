#include <eddy/tls/context.hpp>

#include "connected.hpp"
#include "temporary_folder.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <eddy/runtime/offload.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::tls {
namespace {

using namespace eddy::tls::testing;

/// The subject of the certificate that a server shows to a client that asks for `name`.
task<std::string> subject_for(context client, context server, std::string name) {
  auto both = co_await shake_hands(std::move(client), std::move(server), std::move(name));
  const stream made = std::move(both.client).value();
  co_return made.peer_certificate()->subject;
}

EDDY_TEST(tls_context, chooses_the_certificate_by_host_name) {
  server_options options;
  for (const char* name : {"first.org", "second.org", "*.wild.org"}) {
    options.certificates.push_back(authority().issue({name}));
  }
  options.certificates.push_back(issued("exact.wild.org"));
  options.certificates.push_back(authority().issue({"elsewhere.org", "named.org"}));
  options.certificates.back().hosts = {"Named.ORG"};
  const auto server = context::server(options);
  auto careless = trusting_client();
  careless.authorities = trust::nobody();
  const auto client = context::client(careless);
  const auto ask = [&](std::string name) { return subject_for(client, server, std::move(name)); };
  struct expectation {
    const char* name;
    const char* subject;
  };
  for (const auto [name, subject] : {
           expectation{"second.org", "CN=second.org"}, expectation{"SECOND.org", "CN=second.org"},
           expectation{"a.wild.org", "CN=*.wild.org"},
           expectation{"exact.wild.org", "CN=exact.wild.org"},
           expectation{"a.b.wild.org", "CN=first.org"},
           expectation{"named.org", "CN=elsewhere.org"},
           expectation{"elsewhere.org", "CN=first.org"},  // only the hosts given count
           expectation{"unknown.org", "CN=first.org"},
           expectation{"192.0.2.1", "CN=first.org"},  // an address is not named
       }) {
    const std::string shown = co_await ask(name);
    EXPECT_EQ(shown, subject) << name;
  }
}

EDDY_TEST(tls_context, agrees_on_the_protocol_the_server_likes_best) {
  auto serving = server_for({"example.org"});
  serving.alpn = {"h2", "http/1.1"};
  auto asking = trusting_client();
  asking.alpn = {"http/1.1", "h2"};
  auto both = co_await connect_ends(context::client(asking), context::server(serving));
  EXPECT_EQ(both.client.alpn(), "h2");
  EXPECT_EQ(both.server.alpn(), "h2");
}

EDDY_TEST(tls_context, a_side_without_protocols_agrees_on_none) {
  auto serving = server_for({"example.org"});
  auto asking = trusting_client();
  asking.alpn = {"h2"};
  auto without_server = co_await connect_ends(context::client(asking), context::server(serving));
  EXPECT_EQ(without_server.client.alpn(), "");
  serving.alpn = {"h2"};
  auto without_client =
      co_await connect_ends(context::client(trusting_client()), context::server(serving));
  EXPECT_EQ(without_client.server.alpn(), "");
}

EDDY_TEST(tls_context, one_handshake_can_offer_other_protocols) {
  auto serving = server_for({"example.org"});
  serving.alpn = {"h2", "http/1.1"};
  auto asking = trusting_client();
  asking.alpn = {"h2", "http/1.1"};
  auto [near, far] = io::memory_stream_pair();
  auto accepted = spawn(
      [](io::memory_stream under, context own) -> task<std::string> {
        io::any_stream any(std::move(under));
        const auto made = co_await stream::accept(std::move(any), std::move(own));
        co_return std::string(made.alpn());
      },
      std::move(far), context::server(serving));
  constexpr std::array<std::string_view, 1> only{"http/1.1"};
  handshake_options options;
  options.alpn = only;
  io::any_stream any(std::move(near));
  const auto client =
      co_await stream::connect(std::move(any), context::client(asking), "example.org", options);
  EXPECT_EQ(client.alpn(), "http/1.1");
  const std::string& there = co_await accepted;
  EXPECT_EQ(there, "http/1.1");
}

// --- client certificates ---

server_options asking_server(client_certificates how) {
  server_options options = server_for({"example.org"});
  options.clients = how;
  options.client_authorities = authority().trusted();
  return options;
}

client_options client_with(credentials own) {
  client_options options = trusting_client();
  options.certificates.push_back(std::move(own));
  return options;
}

EDDY_TEST(tls_context, a_server_sees_the_clients_certificate) {
  for (const auto how : {client_certificates::optional, client_certificates::required}) {
    const auto client = context::client(client_with(issued("alice")));
    auto both = co_await connect_ends(client, context::server(asking_server(how)));
    const auto shown = both.server.peer_certificate();
    EDDY_REQUIRE(shown.has_value());
    EXPECT_EQ(shown->subject, "CN=alice");
  }
}

EDDY_TEST(tls_context, an_optional_certificate_may_be_missing_but_not_wrong) {
  const auto server = context::server(asking_server(client_certificates::optional));
  auto without = co_await connect_ends(context::client(trusting_client()), server);
  EXPECT_FALSE(without.server.peer_certificate().has_value());
  const certificate_authority other("somebody else");
  const auto wrong = co_await shake_hands(
      context::client(client_with(issued("mallory", issue_options(), other))), server);
  EXPECT_EQ(wrong.server_error().code(), errc::unknown_authority);
}

EDDY_TEST(tls_context, a_required_certificate_that_is_missing_is_told_to_the_client) {
  const auto server = context::server(asking_server(client_certificates::required));
  auto ended = co_await shake_hands(context::client(trusting_client()), server);
  EXPECT_EQ(ended.server_error().code(), errc::certificate_missing);
  // In TLS 1.3 the client is done before the server judges it: it hears of it when it reads.
  stream client = std::move(ended.client).value();
  const auto read = co_await as_result(drain(client));
  EDDY_REQUIRE(read.has_error());
  try {
    std::rethrow_exception(read.error());
  } catch (const tls_error& failure) {
    EXPECT_EQ(failure.code(), errc::alert_received);
    EXPECT_EQ(failure.alert(), 116) << "certificate_required";
  }

  auto old = trusting_client();
  old.highest = version::tls_1_2;
  const auto in_old = co_await shake_hands(context::client(old), server);
  EXPECT_EQ(in_old.client_error().code(), errc::alert_received);
  EXPECT_EQ(in_old.client_error().alert(), 40) << "handshake_failure";
}

// --- pinning ---

EDDY_TEST(tls_context, a_pinned_certificate_needs_no_authority_and_no_name) {
  issue_options over;
  over.not_after = std::chrono::December / 31 / 2024;
  const credentials own = self_signed({"other.org"}, over);
  server_options serving;
  serving.certificates.push_back(own);
  client_options pinning;
  pinning.pinned.push_back(fingerprint_of(own));
  const auto ended = co_await shake_hands(context::client(pinning), context::server(serving));
  EXPECT_TRUE(ended.client.has_value());
}

EDDY_TEST(tls_context, another_certificate_than_the_pinned_one_is_refused) {
  client_options pinning = trusting_client();
  pinning.pinned.push_back(fingerprint_of(issued("example.org")));
  const auto ended = co_await shake_hands(context::client(pinning), plain_server());
  EXPECT_EQ(ended.client_error().code(), errc::wrong_fingerprint);
}

TEST(tls_context, a_fingerprint_may_be_written_with_colons) {
  client_options pinning;
  std::string text = "AB";
  for (int i = 0; i < 31; ++i) text += ":0F";
  pinning.pinned.push_back(text);
  EXPECT_TRUE(static_cast<bool>(context::client(pinning)));
  for (const char* wrong : {"", "abc", "zz"}) {
    pinning.pinned = {wrong};
    EXPECT_THROW(static_cast<void>(context::client(pinning)), error) << wrong;
  }
}

EDDY_TEST(tls_context, a_client_that_trusts_nobody_believes_everybody) {
  client_options careless;
  careless.authorities = trust::nobody();
  server_options serving;
  serving.certificates.push_back(self_signed({"other.org"}));
  const auto ended = co_await shake_hands(context::client(careless), context::server(serving));
  EXPECT_TRUE(ended.client.has_value());
}

EDDY_TEST(tls_context, a_certificate_can_be_trusted_itself) {
  const credentials own = self_signed({"example.org"});
  server_options serving;
  serving.certificates.push_back(own);
  client_options trusting;
  trusting.authorities = trust::pem(own.chain);
  const auto server = context::server(serving);
  const auto right = co_await shake_hands(context::client(trusting), server);
  EXPECT_TRUE(right.client.has_value());
  const auto wrong = co_await shake_hands(context::client(trusting), server, "example.com");
  EXPECT_EQ(wrong.client_error().code(), errc::wrong_host);
}

// --- resumption ---

/// Makes a connection, talks, and gives whether it was resumed, as both sides see it.
task<bool> was_resumed(context client, context server) {
  auto both = co_await connect_ends(std::move(client), std::move(server));
  co_await io::write_all(both.server, "x");  // the client reads its tickets on the way
  co_await both.server.close();
  const std::string heard = co_await drain(both.client);
  EXPECT_EQ(heard, "x");
  EXPECT_EQ(both.client.session_reused(), both.server.session_reused());
  co_return both.client.session_reused();
}

EDDY_TEST(tls_context, sessions_are_resumed_in_both_versions) {
  for (const auto highest : {version::tls_1_2, version::tls_1_3}) {
    auto options = trusting_client();
    options.highest = highest;
    const auto client = context::client(options);
    const auto server = context::server(server_for({"example.org"}));
    const bool first = co_await was_resumed(client, server);
    const bool second = co_await was_resumed(client, server);
    const bool third = co_await was_resumed(client, server);
    const auto other_server = context::server(server_for({"example.org"}));
    EXPECT_FALSE(first);
    EXPECT_TRUE(second);
    EXPECT_TRUE(third);
    const bool elsewhere = co_await was_resumed(client, other_server);
    EXPECT_FALSE(elsewhere) << "another context has other keys";
  }
}

EDDY_TEST(tls_context, resumption_can_be_switched_off_on_either_side) {
  auto never = server_for({"example.org"});
  never.resumption = false;
  const auto server = context::server(never);
  auto forgetful = trusting_client();
  forgetful.session_cache = 0;
  const auto forgetting = context::client(forgetful);
  for (int round = 0; round < 2; ++round) {
    const bool by_server = co_await was_resumed(plain_client(), server);
    EXPECT_FALSE(by_server);
    const bool by_client = co_await was_resumed(forgetting, plain_server());
    EXPECT_FALSE(by_client);
  }
}

EDDY_TEST(tls_context, the_oldest_session_goes_when_the_cache_is_full) {
  auto small = trusting_client();
  small.session_cache = 1;
  small.highest = version::tls_1_2;  // whose sessions are kept when they are used
  const auto client = context::client(small);
  const auto server = context::server(server_for({"example.org", "other.org"}));
  const auto connect = [&](std::string name) -> task<bool> {
    auto both = co_await shake_hands(client, server, std::move(name));
    const stream made = std::move(both.client).value();
    co_return made.session_reused();
  };
  bool resumed = co_await connect("example.org");
  EXPECT_FALSE(resumed);
  resumed = co_await connect("example.org");
  EXPECT_TRUE(resumed);
  resumed = co_await connect("other.org");
  EXPECT_FALSE(resumed);
  resumed = co_await connect("example.org");
  EXPECT_FALSE(resumed);
}

// --- reload ---

EDDY_TEST(tls_context, reload_shows_new_files_and_leaves_connections_alone) {
  const temporary_folder folder;
  const credentials first = authority().issue({"example.org"}, {.common_name = "first"});
  const credentials second = authority().issue({"example.org"}, {.common_name = "second"});
  const std::string chain = folder.write("chain.pem", first.chain);
  const std::string key = folder.write("key.pem", first.key);
  server_options options;
  options.certificates.push_back(credentials::files(chain, key));
  const auto server = context::server(options);
  auto before = co_await connect_ends(context::client(trusting_client()), server);

  folder.write("chain.pem", second.chain);
  EXPECT_THROW(server.reload(), tls_error) << "the key is still the first one's";
  std::string shown =
      co_await subject_for(context::client(trusting_client()), server, "example.org");
  EXPECT_EQ(shown, "CN=first");

  folder.write("key.pem", second.key);
  co_await to_thread([&server] { server.reload(); });
  shown = co_await subject_for(context::client(trusting_client()), server, "example.org");
  EXPECT_EQ(shown, "CN=second");

  co_await io::write_all(before.client, "still there");
  co_await before.client.close();
  const std::string heard = co_await drain(before.server);
  EXPECT_EQ(heard, "still there");
}

EDDY_TEST(tls_context, sessions_survive_a_reload_unless_other_clients_are_trusted) {
  auto options = asking_server(client_certificates::required);
  const auto server = context::server(options);
  const auto client = context::client(client_with(issued("alice")));
  bool resumed = co_await was_resumed(client, server);
  EXPECT_FALSE(resumed);
  server.reload(options);
  resumed = co_await was_resumed(client, server);
  EXPECT_TRUE(resumed);
  const certificate_authority other("somebody else");
  options.client_authorities = other.trusted();
  server.reload(options);
  const auto refused = co_await shake_hands(client, server);
  EXPECT_EQ(refused.server_error().code(), errc::unknown_authority);
}

EDDY_TEST(tls_context, a_client_can_be_reloaded_too) {
  const auto client = context::client(trusting_client());
  client_options other;
  other.authorities = certificate_authority("somebody else").trusted();
  client.reload(other);
  const auto ended = co_await shake_hands(client, plain_server());
  EXPECT_EQ(ended.client_error().code(), errc::unknown_authority);
}

// --- what a context refuses ---

TEST(tls_context, names_the_credentials_that_cannot_be_used) {
  const temporary_folder folder;
  const credentials good = issued("example.org");
  const std::string chain = folder.write("chain.pem", good.chain);
  const auto problem = [](const credentials& own) -> std::string {
    server_options options;
    options.certificates.push_back(own);
    try {
      static_cast<void>(context::server(options));
    } catch (const tls_error& failure) {
      EXPECT_EQ(failure.code(), errc::bad_credentials);
      EXPECT_EQ(failure, condition::invalid_input);
      return failure.operation();
    }
    return "no error";
  };
  EXPECT_EQ(problem(credentials::files("/nowhere.pem", chain)), "certificate /nowhere.pem");
  EXPECT_EQ(problem(credentials::files(chain, "/nowhere.key")), "key /nowhere.key");
  EXPECT_EQ(problem(credentials::files(chain, chain)), "key " + chain);
  EXPECT_EQ(problem(credentials::pem("no certificate", good.key)), "certificate");
  EXPECT_EQ(problem(credentials::pem(good.chain, "no key")), "key");
  EXPECT_EQ(problem(credentials::pem(good.chain + "-----BEGIN CERTIFICATE-----\nAA", good.key)),
            "certificate");
  EXPECT_EQ(problem(credentials::pem(good.chain, issued("example.org").key)), "key");
  EXPECT_EQ(problem(good), "no error");
}

TEST(tls_context, refuses_options_that_contradict_each_other) {
  EXPECT_THROW(static_cast<void>(context::server({})), error);
  server_options blind = server_for({"example.org"});
  blind.clients = client_certificates::required;
  EXPECT_THROW(static_cast<void>(context::server(blind)), error);
  server_options reversed = server_for({"example.org"});
  reversed.lowest = version::tls_1_3;
  reversed.highest = version::tls_1_2;
  EXPECT_THROW(static_cast<void>(context::server(reversed)), error);
  client_options unnamed;
  unnamed.alpn = {""};
  EXPECT_THROW(static_cast<void>(context::client(unnamed)), error);
  client_options two;
  two.certificates = {issued("a"), issued("b")};
  EXPECT_THROW(static_cast<void>(context::client(two)), error);
  EXPECT_THROW(plain_client().reload(server_for({"example.org"})), error);
  EXPECT_THROW(plain_server().reload(client_options()), error);
}

TEST(tls_context, is_a_handle_that_may_be_empty) {
  const context empty;
  EXPECT_FALSE(static_cast<bool>(empty));
  EXPECT_FALSE(empty.is_server());
  const context copy = plain_server();
  EXPECT_TRUE(static_cast<bool>(copy));
  EXPECT_TRUE(copy.is_server());
  EXPECT_FALSE(plain_client().is_server());
}

TEST(tls_authority, refuses_names_that_are_none) {
  EXPECT_THROW(static_cast<void>(authority().issue({})), error);
  for (const char* wrong : {"", "a b", "a,DNS:b", "not:an:address"}) {
    EXPECT_THROW(static_cast<void>(authority().issue({wrong})), error) << wrong;
  }
  EXPECT_TRUE(authority().pem().starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_EQ(authority().trusted().value, authority().pem());
}

}  // namespace
}  // namespace eddy::tls
