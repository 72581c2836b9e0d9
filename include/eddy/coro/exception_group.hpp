// Several failures at once, as a group of tasks can have. One failure is never wrapped: it is rethrown as itself.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace eddy {

/// At least two failures of any type, in the order in which they reached the construct that throws the group. Members
/// may be groups themselves; searches look into them. Never contains `cancelled`. A value, usable on any thread.
class exception_group : public std::exception {
 public:
  explicit exception_group(std::vector<std::exception_ptr> members);

  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] const std::vector<std::exception_ptr>& members() const noexcept { return members_; }

  /// Calls `visit` with every failure that is not itself a group, depth first.
  void for_each(const std::function<void(const std::exception_ptr&)>& visit) const;

  /// The first failure that is an E, or null.
  template <class E>
  [[nodiscard]] std::exception_ptr find() const;
  template <class E>
  [[nodiscard]] bool contains() const {
    return find<E>() != nullptr;
  }

  /// The failures `matches` accepts and the others, each as one exception (a group if several), null when there are
  /// none. Nesting is kept.
  struct parts {
    std::exception_ptr matched;
    std::exception_ptr rest;
  };
  [[nodiscard]] parts split(const std::function<bool(const std::exception_ptr&)>& matches) const;

 private:
  std::vector<std::exception_ptr> members_;
  std::string message_;
};

/// Whether `failure` is an E.
template <class E>
[[nodiscard]] bool holds_exception(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

template <class E>
std::exception_ptr exception_group::find() const {
  std::exception_ptr found;
  for_each([&](const std::exception_ptr& failure) {
    if (found == nullptr && holds_exception<E>(failure)) found = failure;
  });
  return found;
}

/// Null for none, the failure itself for one, an exception_group for several.
[[nodiscard]] std::exception_ptr combine_failures(std::vector<std::exception_ptr> failures);

}  // namespace eddy
