#include "moldau/client/admin.hpp"

#include "client/admin_impl.hpp"
#include "client/property_reader.hpp"

namespace moldau::client {

result<admin> admin::make(client_options options) {
  MOLDAU_TRY(check(options));
  return admin(std::make_shared<impl>(std::move(options)));
}

admin::impl::impl(client_options options)
    : options_(std::move(options)),
      runtime_(options_),
      cluster_(std::make_shared<cluster>(runtime_.world(), options_)) {
  cluster_->report_statistics("admin");
}

rt::task<result<client::statistics>> admin::impl::statistics(call_token) {
  co_return cluster_->count("admin");
}

rt::task<result<void>> admin::impl::close() {
  const auto self = shared_from_this();
  cluster_->close();
  co_return result<void>();
}

admin::admin(std::shared_ptr<impl> body) : impl_(std::move(body)) {}
admin::admin(admin&&) noexcept = default;

admin& admin::operator=(admin&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

admin::~admin() {
  if (!impl_) return;
  if (!impl_->home().may_block()) {
    close().then([](const result<void>&) {});
    return;
  }
  static_cast<void>(close().get());
  impl_->stop();
}

async<std::vector<listed_topic>> admin::list_topics() {
  return impl_->home().start<std::vector<listed_topic>>(
      [self = impl_](call_token call) { return self->list_topics(std::move(call)); });
}

async<outcomes<std::string, described_topic>> admin::describe_topics(std::vector<std::string> names,
                                                                     describe_options with) {
  return impl_->home().start<outcomes<std::string, described_topic>>(
      [self = impl_, names = std::move(names), with](call_token call) mutable {
        return self->describe_topics(std::move(call), std::move(names), with);
      });
}

async<outcomes<topic_id, described_topic>> admin::describe_topics_by_id(std::vector<topic_id> ids,
                                                                        describe_options with) {
  return impl_->home().start<outcomes<topic_id, described_topic>>(
      [self = impl_, ids = std::move(ids), with](call_token call) mutable {
        return self->describe_topics_by_id(std::move(call), std::move(ids), with);
      });
}

async<outcomes<std::string, created_topic>> admin::create_topics(std::vector<new_topic> topics, bool validate_only) {
  return impl_->home().start<outcomes<std::string, created_topic>>(
      [self = impl_, topics = std::move(topics), validate_only](call_token call) mutable {
        return self->create_topics(std::move(call), std::move(topics), validate_only);
      });
}

async<outcomes<std::string>> admin::delete_topics(std::vector<std::string> names) {
  return impl_->home().start<outcomes<std::string>>([self = impl_, names = std::move(names)](call_token call) mutable {
    return self->delete_topics(std::move(call), std::move(names));
  });
}

async<outcomes<topic_id>> admin::delete_topics_by_id(std::vector<topic_id> ids) {
  return impl_->home().start<outcomes<topic_id>>([self = impl_, ids = std::move(ids)](call_token call) mutable {
    return self->delete_topics_by_id(std::move(call), std::move(ids));
  });
}

async<outcomes<std::string>> admin::create_partitions(std::map<std::string, new_partitions> topics,
                                                      bool validate_only) {
  return impl_->home().start<outcomes<std::string>>(
      [self = impl_, topics = std::move(topics), validate_only](call_token call) mutable {
        return self->create_partitions(std::move(call), std::move(topics), validate_only);
      });
}

async<outcomes<topic_partition, moldau::offset>> admin::delete_records(
    std::map<topic_partition, moldau::offset> before) {
  return impl_->home().start<outcomes<topic_partition, moldau::offset>>(
      [self = impl_, before = std::move(before)](call_token call) mutable {
        return self->delete_records(std::move(call), std::move(before));
      });
}

async<outcomes<topic_partition, listed_offset>> admin::list_offsets(std::map<topic_partition, offset_spec> of,
                                                                    isolation level) {
  return impl_->home().start<outcomes<topic_partition, listed_offset>>(
      [self = impl_, of = std::move(of), level](call_token call) mutable {
        return self->list_offsets(std::move(call), std::move(of), level);
      });
}

async<outcomes<topic_partition, epoch_end>> admin::epoch_ends(std::map<topic_partition, leader_epoch> epochs) {
  return impl_->home().start<outcomes<topic_partition, epoch_end>>(
      [self = impl_, epochs = std::move(epochs)](call_token call) mutable {
        return self->epoch_ends(std::move(call), std::move(epochs));
      });
}

async<outcomes<topic_partition, std::vector<producer_state>>> admin::describe_producers(
    std::vector<topic_partition> partitions) {
  return impl_->home().start<outcomes<topic_partition, std::vector<producer_state>>>(
      [self = impl_, partitions = std::move(partitions)](call_token call) mutable {
        return self->describe_producers(std::move(call), std::move(partitions));
      });
}

async<outcomes<topic_partition>> admin::elect_leaders(election how,
                                                      std::optional<std::vector<topic_partition>> partitions) {
  return impl_->home().start<outcomes<topic_partition>>(
      [self = impl_, how, partitions = std::move(partitions)](call_token call) mutable {
        return self->elect_leaders(std::move(call), how, std::move(partitions));
      });
}

async<outcomes<config_resource, std::vector<config_entry>>> admin::describe_configs(std::vector<config_resource> of,
                                                                                    bool documentation) {
  return impl_->home().start<outcomes<config_resource, std::vector<config_entry>>>(
      [self = impl_, of = std::move(of), documentation](call_token call) mutable {
        return self->describe_configs(std::move(call), std::move(of), documentation);
      });
}

async<outcomes<config_resource>> admin::alter_configs(std::map<config_resource, std::vector<config_change>> changes,
                                                      bool validate_only) {
  return impl_->home().start<outcomes<config_resource>>(
      [self = impl_, changes = std::move(changes), validate_only](call_token call) mutable {
        return self->alter_configs(std::move(call), std::move(changes), validate_only);
      });
}

async<std::vector<listed_group>> admin::list_groups(group_filter only) {
  return impl_->home().start<std::vector<listed_group>>(
      [self = impl_, only = std::move(only)](call_token call) mutable {
        return self->list_groups(std::move(call), std::move(only));
      });
}

async<outcomes<std::string, described_group>> admin::describe_groups(std::vector<std::string> ids,
                                                                     describe_options with) {
  return impl_->home().start<outcomes<std::string, described_group>>(
      [self = impl_, ids = std::move(ids), with](call_token call) mutable {
        return self->describe_groups(std::move(call), std::move(ids), with);
      });
}

async<outcomes<std::string>> admin::delete_groups(std::vector<std::string> ids) {
  return impl_->home().start<outcomes<std::string>>([self = impl_, ids = std::move(ids)](call_token call) mutable {
    return self->delete_groups(std::move(call), std::move(ids));
  });
}

async<outcomes<std::string>> admin::remove_members(std::string group, std::vector<leaving_member> members) {
  return impl_->home().start<outcomes<std::string>>(
      [self = impl_, group = std::move(group), members = std::move(members)](call_token call) mutable {
        return self->remove_members(std::move(call), std::move(group), std::move(members));
      });
}

async<std::map<topic_partition, committed_offset>> admin::group_offsets(
    std::string group, std::optional<std::vector<topic_partition>> partitions) {
  return impl_->home().start<std::map<topic_partition, committed_offset>>(
      [self = impl_, group = std::move(group), partitions = std::move(partitions)](call_token call) mutable {
        return self->group_offsets(std::move(call), std::move(group), std::move(partitions));
      });
}

async<outcomes<topic_partition>> admin::alter_group_offsets(std::string group,
                                                            std::map<topic_partition, committed_offset> offsets) {
  return impl_->home().start<outcomes<topic_partition>>(
      [self = impl_, group = std::move(group), offsets = std::move(offsets)](call_token call) mutable {
        return self->alter_group_offsets(std::move(call), std::move(group), std::move(offsets));
      });
}

async<outcomes<topic_partition>> admin::delete_group_offsets(std::string group,
                                                             std::vector<topic_partition> partitions) {
  return impl_->home().start<outcomes<topic_partition>>(
      [self = impl_, group = std::move(group), partitions = std::move(partitions)](call_token call) mutable {
        return self->delete_group_offsets(std::move(call), std::move(group), std::move(partitions));
      });
}

async<described_cluster> admin::describe_cluster(describe_options with) {
  return impl_->home().start<described_cluster>(
      [self = impl_, with](call_token call) { return self->describe_cluster(std::move(call), with); });
}

async<described_quorum> admin::describe_quorum() {
  return impl_->home().start<described_quorum>(
      [self = impl_](call_token call) { return self->describe_quorum(std::move(call)); });
}

async<described_features> admin::describe_features() {
  return impl_->home().start<described_features>(
      [self = impl_](call_token call) { return self->describe_features(std::move(call)); });
}

async<outcomes<std::string>> admin::update_features(std::vector<feature_change> changes, bool validate_only) {
  return impl_->home().start<outcomes<std::string>>(
      [self = impl_, changes = std::move(changes), validate_only](call_token call) mutable {
        return self->update_features(std::move(call), std::move(changes), validate_only);
      });
}

async<outcomes<broker_id, std::vector<described_log_dir>>> admin::describe_log_dirs(std::vector<broker_id> of) {
  return impl_->home().start<outcomes<broker_id, std::vector<described_log_dir>>>(
      [self = impl_, of = std::move(of)](call_token call) mutable {
        return self->describe_log_dirs(std::move(call), std::move(of));
      });
}

async<client::statistics> admin::statistics() {
  return impl_->home().start<client::statistics>(
      [self = impl_](call_token call) { return self->statistics(std::move(call)); });
}

async<void> admin::close() {
  return impl_->home().start<void>([self = impl_] { return self->close(); });
}

}  // namespace moldau::client
