#include <eddy/testing/arguments.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/base/error.hpp>
#include <eddy/testing/virtual_run.hpp>

namespace eddy {
namespace {

using ::testing::ElementsAre;

/// Keeps an environment variable as it was.
class kept_variable {
 public:
  explicit kept_variable(const char* name) : name_(name) {
    if (const char* value = std::getenv(name)) former_ = value;
  }
  kept_variable(const kept_variable&) = delete;
  kept_variable& operator=(const kept_variable&) = delete;
  ~kept_variable() {
    if (former_) {
      ::setenv(name_, former_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> former_;
};

class arguments : public ::testing::Test {
 protected:
  /// What is left of a command line.
  static std::vector<std::string> left_of(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    int argc = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    testing::take_arguments(argc, argv.data());
    return {argv.begin(), argv.begin() + argc};
  }

 private:
  kept_variable seed_{"EDDY_SEED"};
  kept_variable shuffle_{"EDDY_SHUFFLE"};
};

TEST_F(arguments, choose_seed_and_order_of_the_runs_that_do_not_choose_themselves) {
  EXPECT_THAT(left_of({"program", "--gtest_brief=1", "--eddy-seed=42", "--eddy-shuffle", "name"}),
              ElementsAre("program", "--gtest_brief=1", "name"));
  EXPECT_EQ(testing::virtual_run().how_to_repeat(), "EDDY_SEED=42 EDDY_SHUFFLE=1");
  testing::virtual_options own;
  own.seed = 7;
  own.shuffle = false;
  EXPECT_EQ(testing::virtual_run(own).how_to_repeat(), "EDDY_SEED=7");
  left_of({"program", "--eddy-shuffle=0"});
  EXPECT_EQ(testing::virtual_run().how_to_repeat(), "EDDY_SEED=42");
}

TEST_F(arguments, that_are_wrong_are_refused) {
  for (const std::string wrong : {"--eddy-seed", "--eddy-seed=0", "--eddy-seed=x", "--eddy-seed=-1",
                                  "--eddy-shuffle=2", "--eddy-other"}) {
    EXPECT_THROW(left_of({"program", wrong}), error) << wrong;
  }
}

}  // namespace
}  // namespace eddy
