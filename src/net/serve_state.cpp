#include <eddy/net/serve_state.hpp>

namespace eddy::net {

serve_state::admission::admission(serve_state& state, const address& peer, bool by_peer)
    : state_(&state) {
  if (by_peer && peer.is_ip()) {
    counted_ = &*state.by_peer_.try_emplace(peer.host()).first;
    ++counted_->second;
  }
  ++state.connections_;
  ++state.accepted_;
}

serve_state::admission::~admission() {
  if (state_ == nullptr) return;
  --state_->connections_;
  if (state_->part_) state_->part_->ended();
  if (counted_ != nullptr && --counted_->second == 0) {
    state_->by_peer_.erase(state_->by_peer_.find(counted_->first));
  }
  state_->left();
}

serve_state::refusal::~refusal() {
  if (state_ == nullptr) return;
  --state_->refusing_;
  state_->left();
}

void serve_state::left() {
  if (!wants_room_) return;
  wants_room_->set_value();
  wants_room_.reset();
}

void serve_state::begin() noexcept {
  draining_ = false;
  part_.reset();
}

connection_spread::member* serve_state::take_part(const serve_options& options) {
  if (options.spread == nullptr) return nullptr;
  return &part_.emplace(*options.spread, options.max_connections);
}

// Connections on their way here have their places.
bool serve_state::is_full(const serve_options& options) const noexcept {
  const std::size_t taken = part_ ? part_->connections() : connections_;
  return options.max_connections != 0 && taken >= options.max_connections &&
         refusing_ >= options.max_refusals;
}

bool serve_state::admits(const address& peer, const serve_options& options) {
  bool within = options.max_connections == 0 || connections_ < options.max_connections;
  if (within && options.max_per_peer != 0 && peer.is_ip()) {
    const auto counted = by_peer_.find(peer.host());
    within = counted == by_peer_.end() || counted->second < options.max_per_peer;
  }
  if (within) return true;
  ++refused_;
  if (part_) {
    part_->ended();
    left();
  }
  return false;
}

future<void> serve_state::one_less() {
  if (!wants_room_) wants_room_.emplace();
  return wants_room_->get_future();
}

}  // namespace eddy::net
