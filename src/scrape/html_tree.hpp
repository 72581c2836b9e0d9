// A page as gumbo's tree, with a bound on its memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <gumbo.h>

namespace eddy::scrape::detail {

/// All memory of one parse, freed together: gumbo's own way of freeing a tree recurses as deep as the tree is.
class tree_memory {
 public:
  explicit tree_memory(std::size_t most) : left_(most) {}
  tree_memory(const tree_memory&) = delete;
  tree_memory& operator=(const tree_memory&) = delete;
  ~tree_memory();

  /// Null when the bound is reached.
  void* allocate(std::size_t size) noexcept;
  void free(void* memory) noexcept;

 private:
  struct block;
  block* newest_ = nullptr;
  std::size_t left_;
};

/// Owns a tree; the text that was parsed must outlive it.
class html_tree {
 public:
  /// Throws errc::limit_exceeded.
  html_tree(std::string_view utf8, std::size_t max_memory);
  [[nodiscard]] const GumboNode& root() const noexcept { return *root_; }

 private:
  tree_memory memory_;
  const GumboNode* root_ = nullptr;
};

/// The beginning of `utf8` whose elements are nested at most `max_depth` deep, by an upper estimate: elements whose
/// end tag may be left out are not counted. Gumbo looks through all open elements at many tags, so that depth is what
/// makes it slow.
[[nodiscard]] std::string_view up_to_depth(std::string_view utf8, std::size_t max_depth);

}  // namespace eddy::scrape::detail
