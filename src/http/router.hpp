// Finds the route of a path: a trie of segments.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/http/server.hpp>

namespace eddy::http::detail {

/// One route: a pattern and a method.
struct route_entry {
  std::string pattern;
  std::vector<std::string> parameter_names;
  any_handler handler;
  route_options options;
  mutable std::atomic<std::size_t> running = 0;  ///< counted where options.max_concurrent says so
};

/// What a path leads to.
struct routing {
  const route_entry* entry = nullptr;  ///< null: see `path_known`
  bool path_known = false;             ///< some other method is served there
  std::string_view allow;              ///< the methods, for Allow; empty unless the path is known
  path_parameters parameters;
};

/// Written before serving, read on any thread afterwards. The work of find() is bounded by the patterns: a segment that
/// matches both a text and a parameter makes it look at both.
class router {
 public:
  router();
  ~router();

  /// Throws invalid_input for a malformed pattern, or one that is taken.
  void add(method m, std::string_view pattern, any_handler handler, route_options options);

  [[nodiscard]] routing find(method m, std::string_view path) const;
  /// Every method that some route has, for "OPTIONS *".
  [[nodiscard]] std::string_view all_methods() const noexcept { return all_allowed_; }

 private:
  struct node;
  static constexpr std::size_t methods = static_cast<std::size_t>(method::patch) + 1;

  [[nodiscard]] static const node* walk(const node& from, std::string_view rest,
                                        path_parameters& values);
  node& grow(std::string_view pattern, std::vector<std::string>& names);

  std::unique_ptr<node> root_;
  std::array<bool, methods> any_{};
  std::string all_allowed_;
};

}  // namespace eddy::http::detail
