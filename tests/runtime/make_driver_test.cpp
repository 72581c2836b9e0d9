#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <eddy/base/error.hpp>
#include <eddy/runtime/driver.hpp>

namespace eddy::runtime {
namespace {

class make_driver_test : public ::testing::Test {
 protected:
  make_driver_test() {
    if (const char* set = std::getenv("EDDY_DRIVER")) before_ = set;
  }
  ~make_driver_test() override {
    if (before_) {
      ::setenv("EDDY_DRIVER", before_->c_str(), 1);
    } else {
      ::unsetenv("EDDY_DRIVER");
    }
  }

 private:
  std::optional<std::string> before_;
};

/// Makes the kernel refuse io_uring to this process, as containers do.
void forbid_io_uring() {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = std::size(rules), .filter = rules};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) std::_Exit(3);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) std::_Exit(4);
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(make_driver_test, makes_what_it_is_asked_for) {
  ::setenv("EDDY_DRIVER", "io_uring", 1);
  EXPECT_EQ(make_driver(driver_kind::epoll)->name(), "epoll");
}

TEST_F(make_driver_test, follows_the_environment) {  // loop.22
  ::setenv("EDDY_DRIVER", "epoll", 1);
  EXPECT_EQ(make_driver()->name(), "epoll");
  ::setenv("EDDY_DRIVER", "io_uring", 1);
  EXPECT_EQ(make_driver()->name(), "io_uring");
}

TEST_F(make_driver_test, refuses_a_name_it_does_not_know) {
  ::setenv("EDDY_DRIVER", "kqueue", 1);
  try {
    static_cast<void>(make_driver());
    ADD_FAILURE() << "made";
  } catch (const error& e) {
    EXPECT_EQ(e, errc::unsupported);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("EDDY_DRIVER=kqueue"));
  }
}

TEST_F(make_driver_test, takes_epoll_with_one_notice_where_io_uring_is_forbidden) {  // loop.22
  const auto start = [] {
    ::unsetenv("EDDY_DRIVER");
    forbid_io_uring();
    const bool fallen_back = make_driver()->name() == "epoll" && make_driver()->name() == "epoll";
    std::_Exit(fallen_back ? 0 : 1);
  };
  const auto one_notice = ::testing::ResultOf(
      [](const std::string& text) { return count_of(text, "eddy: using epoll"); },
      ::testing::Eq(1u));
  EXPECT_EXIT(start(), ::testing::ExitedWithCode(0),
              ::testing::AllOf(one_notice, ::testing::HasSubstr("Operation not permitted")));
}

TEST_F(make_driver_test,
       names_what_is_missing_where_io_uring_is_asked_for_and_forbidden) {  // loop.22
  const auto start = [] {
    ::setenv("EDDY_DRIVER", "io_uring", 1);
    forbid_io_uring();
    try {
      static_cast<void>(make_driver());
    } catch (const error& e) {
      std::fputs(e.what(), stderr);
      std::_Exit(e == errc::unsupported ? 0 : 1);
    }
    std::_Exit(2);
  };
  EXPECT_EXIT(start(), ::testing::ExitedWithCode(0),
              ::testing::HasSubstr("io_uring_setup: Operation not permitted"));
}

}  // namespace
}  // namespace eddy::runtime
