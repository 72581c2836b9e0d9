#include <eddy/coro/exception_group.hpp>

#include <eddy/coro/scheduler.hpp>

namespace eddy {

exception_group::exception_group(std::vector<std::exception_ptr> members)
    : members_(std::move(members)) {
  message_ = std::to_string(members_.size()) + " failures";
  const char* separator = ": ";
  for (const auto& member : members_) {
    message_ += separator + describe_exception(member);
    separator = "; ";
  }
}

void exception_group::for_each(const std::function<void(const std::exception_ptr&)>& visit) const {
  for (const auto& member : members_) {
    try {
      std::rethrow_exception(member);
    } catch (const exception_group& inner) {
      inner.for_each(visit);
      continue;
    } catch (...) {
    }
    visit(member);
  }
}

exception_group::parts exception_group::split(
    const std::function<bool(const std::exception_ptr&)>& matches) const {
  std::vector<std::exception_ptr> matched;
  std::vector<std::exception_ptr> rest;
  const auto add = [](std::vector<std::exception_ptr>& to, const std::exception_ptr& failure) {
    if (failure != nullptr) to.push_back(failure);
  };
  for (const auto& member : members_) {
    parts inner;
    bool nested = false;
    try {
      std::rethrow_exception(member);
    } catch (const exception_group& group) {
      nested = true;
      inner = group.split(matches);
    } catch (...) {
    }
    if (nested) {
      add(matched, inner.matched);
      add(rest, inner.rest);
    } else {
      (matches(member) ? matched : rest).push_back(member);
    }
  }
  return {combine_failures(std::move(matched)), combine_failures(std::move(rest))};
}

std::exception_ptr combine_failures(std::vector<std::exception_ptr> failures) {
  if (failures.empty()) return nullptr;
  if (failures.size() == 1) return failures.front();
  return std::make_exception_ptr(exception_group(std::move(failures)));
}

}  // namespace eddy
