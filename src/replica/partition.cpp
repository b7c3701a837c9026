#include "replica/partition.hpp"

#include <fmt/format.h>

namespace moldau::replica {

partition::partition(rt::world& world, storage::log& log, topic_id_partition id, role now, bool ack_after_sync)
    : world_(world), log_(log), id_(id), role_(now), ack_after_sync_(ack_after_sync), committed_(log.log_start()) {
  log_.set_listener(this);
  if (role_.leads) log_.begin_epoch(role_.epoch);
  // Alone in sync, whatever stands in the log (on the disk, if that is what counts) is committed.
  advance_high_watermark(ack_after_sync_ ? log_.synced_end() : log_.written_end());
}

partition::~partition() {
  log_.set_listener(nullptr);
}

void partition::assume(const role& now) {
  if (now == role_) return;
  const bool new_epoch = now.leads && (!role_.leads || now.epoch != role_.epoch);
  role_ = now;
  if (new_epoch) log_.begin_epoch(role_.epoch);
  // Readers learn of the new epoch by their next answer.
  readers_.call_all();
}

result<void> partition::check_epoch(leader_epoch current) const {
  if (!role_.leads) return fail(errc::not_leader_or_follower);
  if (current == no_leader_epoch || current == role_.epoch) return {};
  if (current < role_.epoch) return fail(errc::fenced_leader_epoch);
  return fail(errc::unknown_leader_epoch);
}

result<storage::append_info> partition::append(shared_bytes batch, bool acks_all, std::int32_t min_in_sync,
                                               storage::append_origin origin) {
  if (closed_ || !role_.leads) return fail(errc::not_leader_or_follower);
  if (acks_all && role_.in_sync_replicas < min_in_sync) {
    return fail(errc::not_enough_replicas,
                fmt::format("The size of the current ISR {} is insufficient to satisfy the min.isr requirement of {} "
                            "for partition {}-{}",
                            role_.in_sync_replicas, min_in_sync, topic(), id_.partition.value()));
  }
  return log_.append_as_leader(std::move(batch), role_.epoch, origin);
}

void partition::on_written() {
  if (!ack_after_sync_) advance_high_watermark(log_.written_end());
}

void partition::on_synced() {
  if (ack_after_sync_) advance_high_watermark(log_.synced_end());
}

void partition::on_failed(const error& why) {
  // Who waited goes on inside, and may close this partition.
  const use held(*this);
  committed_.fail(why);
  readers_.call_all();
}

void partition::advance_high_watermark(offset to) {
  if (to <= log_.high_watermark() && to <= committed_.reached()) return;
  log_.set_high_watermark(to);
  const use held(*this);
  committed_.advance(to);
  readers_.call_all();
}

rt::task<void> partition::close() {
  closed_ = true;
  committed_.fail({errc::not_leader_or_follower, "the partition is no longer on this broker"});
  readers_.call_all();
  while (uses_ > 0) {
    rt::completion<bool> last;
    last_use_ = &last;
    co_await last;
  }
}

void partition::leave() {
  // Called by a destructor, which must not run anybody else's coroutine.
  if (--uses_ == 0 && last_use_ != nullptr) {
    world_.post([last = std::exchange(last_use_, nullptr)] { last->set(true); });
  }
}

}  // namespace moldau::replica
