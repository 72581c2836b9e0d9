#include <eddy/base/intrusive_list.hpp>

#include <vector>

#include <gtest/gtest.h>

namespace {

struct second_tag;

struct element : eddy::list_hook<>, eddy::list_hook<second_tag> {
  explicit element(int v) : value(v) {}
  int value;
};

using list = eddy::intrusive_list<element>;
using second_list = eddy::intrusive_list<element, second_tag>;

std::vector<int> values(auto& l) {
  std::vector<int> all;
  for (auto* e = l.front(); e != nullptr; e = l.next(*e)) all.push_back(e->value);
  return all;
}

TEST(intrusive_list, keeps_the_order_of_insertion) {
  element a(1), b(2), c(3);
  list l;
  l.push_back(b);
  l.push_back(c);
  l.push_front(a);
  EXPECT_EQ(values(l), (std::vector{1, 2, 3}));
  EXPECT_EQ(l.size(), 3u);
  EXPECT_EQ(l.pop_front()->value, 1);
  EXPECT_EQ(values(l), (std::vector{2, 3}));
  l.clear();
  EXPECT_TRUE(l.empty());
  EXPECT_EQ(l.pop_front(), nullptr);
}

TEST(intrusive_list, an_element_leaves_from_anywhere) {
  element a(1), b(2), c(3);
  list l;
  for (auto* e : {&a, &b, &c}) l.push_back(*e);
  b.eddy::list_hook<>::unlink();
  b.eddy::list_hook<>::unlink();  // without effect
  EXPECT_EQ(values(l), (std::vector{1, 3}));
  EXPECT_FALSE(b.eddy::list_hook<>::linked());
  EXPECT_TRUE(a.eddy::list_hook<>::linked());
}

TEST(intrusive_list, one_object_can_be_in_lists_of_different_tags) {
  element a(1), b(2);
  list first;
  second_list second;
  first.push_back(a);
  first.push_back(b);
  second.push_back(b);
  EXPECT_EQ(values(first), (std::vector{1, 2}));
  EXPECT_EQ(values(second), (std::vector{2}));
}

TEST(intrusive_list, splicing_moves_everything_in_order) {
  element a(1), b(2), c(3);
  list from;
  list to;
  to.push_back(a);
  from.push_back(b);
  from.push_back(c);
  to.splice(from);
  to.splice(from);  // nothing left to move
  EXPECT_EQ(values(to), (std::vector{1, 2, 3}));
  EXPECT_TRUE(from.empty());
}

#ifndef NDEBUG
TEST(intrusive_list_death, linking_twice_or_dying_linked_stops_a_debug_program) {
  EXPECT_DEATH(
      {
        element a(1);
        list l;
        l.push_back(a);
        l.push_back(a);
      },
      "linked into two lists");
  EXPECT_DEATH(
      {
        list l;
        element a(1);
        l.push_back(a);
      },
      "destroyed while linked");
}
#endif

}  // namespace
