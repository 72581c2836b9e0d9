// What other threads hand to a loop; the mechanism under posts, thread calls and everything that crosses loops.
#pragma once

namespace eddy::runtime {

class loop;
class loop_ref;

/// Something on its way to a loop. Lives until it is delivered.
class inbox_node {
 public:
  inbox_node(const inbox_node&) = delete;
  inbox_node& operator=(const inbox_node&) = delete;

  /// On the loop's thread, outside any task; the node may destroy itself.
  virtual void deliver(loop& to) noexcept = 0;

 protected:
  inbox_node() noexcept = default;
  ~inbox_node() = default;

 private:
  friend class loop_ref;  // whose inbox links them
  inbox_node* next_ = nullptr;
};

}  // namespace eddy::runtime
