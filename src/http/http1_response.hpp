// A response over HTTP/1.1: owns the connection's lease.
#pragma once

#include "connection_pool.hpp"
#include "incoming_response.hpp"

#include <eddy/wire/http1_body.hpp>

namespace eddy::http::detail {

class http1_response final : public incoming_response {
 public:
  /// Takes over a connection whose parser has just read a final head, which has been consumed. Throws error when there
  /// are bytes behind a response without a body.
  http1_response(lease on, const wire::http1::limits& bounds);

  std::optional<std::string_view> take_piece(std::size_t most) override;
  void piece_used() override;
  task<void> wait() override;
  [[nodiscard]] std::uint64_t announced() const noexcept override { return decoder_.remaining(); }

 private:
  void end();

  lease on_;
  wire::http1::limits limits_;
  wire::http1::body_decoder decoder_;
  bool keep_alive_;
};

}  // namespace eddy::http::detail
