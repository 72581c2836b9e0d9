#include "router.hpp"

#include <algorithm>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
namespace {

std::size_t index_of(method m) noexcept { return static_cast<std::size_t>(m); }

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw_invalid_input("route " + std::string(pattern) + ": " + std::string(why));
}

// The first segment of `rest`, which does not start with "/", and what follows it from its "/" on.
struct split {
  std::string_view segment;
  std::string_view rest;
};

split split_segment(std::string_view path) noexcept {
  const std::size_t end = std::min(path.find('/'), path.size());
  return {path.substr(0, end), path.substr(end)};
}

}  // namespace

// A node stands behind a "/" and the segments before it. Texts are sorted.
struct router::node {
  struct text_child {
    std::string text;
    std::unique_ptr<node> next;
  };
  std::vector<text_child> texts;
  std::unique_ptr<node> parameter;
  std::unique_ptr<node> tail;
  std::array<std::unique_ptr<route_entry>, methods> entries{};
  std::string allow;  // empty: no route ends here

  [[nodiscard]] const node* child(std::string_view segment) const noexcept {
    const auto found = std::ranges::lower_bound(texts, segment, {}, &text_child::text);
    return found != texts.end() && found->text == segment ? found->next.get() : nullptr;
  }
  [[nodiscard]] node& make_child(std::string_view segment) {
    const auto at = std::ranges::lower_bound(texts, segment, {}, &text_child::text);
    if (at != texts.end() && at->text == segment) return *at->next;
    return *texts.insert(at, {std::string(segment), std::make_unique<node>()})->next;
  }
  [[nodiscard]] bool ends_route() const noexcept { return !allow.empty(); }
  void describe_methods();
};

namespace {

template <class Has>
std::string allow_list(Has has) {
  std::string list;
  const auto append = [&list](std::string_view name) {
    if (!list.empty()) list += ", ";
    list += name;
  };
  for (const method m : {method::get, method::head, method::post, method::put, method::delete_,
                         method::connect, method::trace, method::patch}) {
    if (has(m) || (m == method::head && has(method::get))) append(to_string(m));
  }
  append(to_string(method::options));
  return list;
}

}  // namespace

void router::node::describe_methods() {
  allow = allow_list([this](method m) { return entries[index_of(m)] != nullptr; });
}

router::router() : root_(std::make_unique<node>()) {}
router::~router() = default;

router::node& router::grow(std::string_view pattern, std::vector<std::string>& names) {
  if (!pattern.starts_with('/')) refuse(pattern, "does not begin with /");
  node* at = root_.get();
  for (std::string_view rest = pattern; !rest.empty();) {
    const auto [segment, behind] = split_segment(rest.substr(1));
    rest = behind;
    if (!segment.starts_with('{')) {
      if (segment.find_first_of("{}") != std::string_view::npos) {
        refuse(pattern, "a parameter has to be a whole segment");
      }
      at = &at->make_child(segment);
      continue;
    }
    if (!segment.ends_with('}')) refuse(pattern, "a parameter has to be a whole segment");
    std::string_view name = segment.substr(1, segment.size() - 2);
    const bool tail = name.ends_with("...");
    if (tail) name.remove_suffix(3);
    if (!wire::http1::is_token(name)) refuse(pattern, "a parameter needs a name");
    if (std::ranges::find(names, name) != names.end()) refuse(pattern, "a name is used twice");
    if (names.size() == path_parameters::most) refuse(pattern, "has more than 8 parameters");
    if (tail && !rest.empty()) refuse(pattern, "something follows the tail");
    names.emplace_back(name);
    auto& next = tail ? at->tail : at->parameter;
    if (next == nullptr) next = std::make_unique<node>();
    at = next.get();
  }
  return *at;
}

void router::add(method m, std::string_view pattern, any_handler handler, route_options options) {
  if (m == method::unknown || m == method::connect) refuse(pattern, "a method that is not served");
  auto entry = std::make_unique<route_entry>();
  node& end = grow(pattern, entry->parameter_names);
  entry->pattern = pattern;
  entry->handler = std::move(handler);
  entry->options = options;
  if (end.entries[index_of(m)] != nullptr) refuse(pattern, "is there already");
  end.entries[index_of(m)] = std::move(entry);
  end.describe_methods();
  any_[index_of(m)] = true;
  all_allowed_ = allow_list([this](method one) { return any_[index_of(one)]; });
}

const router::node* router::walk(const node& from, std::string_view rest, path_parameters& values) {
  if (rest.empty()) return from.ends_route() ? &from : nullptr;
  const auto [segment, behind] = split_segment(rest.substr(1));
  const std::size_t before = values.count;
  if (const node* next = from.child(segment)) {
    if (const node* end = walk(*next, behind, values)) return end;
    values.count = before;
  }
  if (from.parameter != nullptr && !segment.empty()) {
    values.values[values.count++] = segment;
    if (const node* end = walk(*from.parameter, behind, values)) return end;
    values.count = before;
  }
  if (from.tail == nullptr) return nullptr;
  values.values[values.count++] = rest.substr(1);
  return from.tail.get();
}

routing router::find(method m, std::string_view path) const {
  routing found;
  if (!path.starts_with('/')) return found;
  const node* end = walk(*root_, path, found.parameters);
  if (end == nullptr) return found;
  found.path_known = true;
  found.allow = end->allow;
  found.entry = end->entries[index_of(m)].get();
  if (found.entry == nullptr && m == method::head) {
    found.entry = end->entries[index_of(method::get)].get();
  }
  return found;
}

}  // namespace eddy::http::detail
