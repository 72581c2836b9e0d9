#include <eddy/base/error.hpp>

#include <cerrno>

#include <gtest/gtest.h>

namespace {

using eddy::condition;
using eddy::errc;

TEST(error, a_code_equals_the_condition_that_says_what_to_do) {
  EXPECT_TRUE(make_error_code(errc::timed_out) == make_error_condition(condition::timed_out));
  EXPECT_TRUE(make_error_code(errc::closed) == make_error_condition(condition::disconnected));
  EXPECT_TRUE(make_error_code(errc::busy) == make_error_condition(condition::overloaded));
  EXPECT_TRUE(make_error_code(errc::limit_exceeded) ==
              make_error_condition(condition::invalid_input));
  EXPECT_TRUE(make_error_code(errc::unsupported) == make_error_condition(condition::unsupported));
  EXPECT_TRUE(make_error_code(errc::task_cancelled) == make_error_condition(condition::failed));
  EXPECT_FALSE(make_error_code(errc::timed_out) == make_error_condition(condition::failed));
}

// err.7
TEST(error, codes_of_the_system_have_conditions_too) {
  const eddy::error refused(std::error_code(ECONNREFUSED, std::system_category()));
  EXPECT_TRUE(refused == condition::disconnected);
  const eddy::error no_memory(std::error_code(ENOMEM, std::generic_category()));
  EXPECT_TRUE(no_memory == condition::overloaded);
  const eddy::error other(std::error_code(ENOENT, std::system_category()));
  EXPECT_TRUE(other == condition::failed);
  EXPECT_FALSE(other == condition::disconnected);
}

// err.7
TEST(error, a_timeout_error_equals_timed_out) {
  EXPECT_TRUE(eddy::timeout_error() == condition::timed_out);
  EXPECT_TRUE(eddy::timeout_error() == errc::timed_out);
}

TEST(error, says_operation_peer_and_progress) {
  eddy::error e(make_error_code(errc::closed), "write", "127.0.0.1:80");
  e.set_progress(7);
  EXPECT_EQ(e.operation(), "write");
  EXPECT_EQ(e.peer(), "127.0.0.1:80");
  EXPECT_EQ(e.progress(), 7u);
  EXPECT_STREQ(e.what(), "write 127.0.0.1:80: closed");
}

TEST(error, every_code_has_a_message_of_its_own) {
  for (int code = 1; code <= static_cast<int>(errc::overloaded); ++code) {
    const auto text = make_error_code(static_cast<errc>(code)).message();
    EXPECT_EQ(text.find("unknown"), text.npos) << code;
  }
  EXPECT_NE(eddy::error_category().message(999).find("unknown"), std::string::npos);
}

TEST(error, the_throwing_functions_throw_what_they_say) {
  EXPECT_THROW(eddy::throw_error(errc::closed, "read"), eddy::error);
  try {
    eddy::throw_invalid_input("limit is zero");
    FAIL();
  } catch (const eddy::error& e) {
    EXPECT_TRUE(e == errc::invalid_input);
    EXPECT_EQ(e.operation(), "limit is zero");
  }
}

}  // namespace
